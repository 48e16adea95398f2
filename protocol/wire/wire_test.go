package wire_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u8 := rapid.Uint8().Draw(t, "u8")
		u16 := rapid.Uint16().Draw(t, "u16")
		u32 := rapid.Uint32().Draw(t, "u32")
		u64 := rapid.Uint64().Draw(t, "u64")
		yes := rapid.Bool().Draw(t, "bool")
		id := protocol.NodeID(rapid.Uint64Min(1).Draw(t, "id"))
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")

		b := []byte{u8}
		b = wire.AppendUint16(b, u16)
		b = wire.AppendUint32(b, u32)
		b = wire.AppendUint64(b, u64)
		b = wire.AppendBool(b, yes)
		b = wire.AppendNodeID(b, id)
		before := len(b)
		b = wire.AppendUvarint(b, u64)
		if got := len(b) - before; got != wire.UvarintSize(u64) {
			t.Fatalf("UvarintSize(%d) = %d, want %d", u64, wire.UvarintSize(u64), got)
		}
		before = len(b)
		b = wire.AppendBytes(b, data)
		if got := len(b) - before; got != wire.BytesSize(len(data)) {
			t.Fatalf("BytesSize(%d) = %d, want %d", len(data), wire.BytesSize(len(data)), got)
		}

		r := wire.NewReader(b)
		if r.Uint8() != u8 || r.Uint16() != u16 || r.Uint32() != u32 || r.Uint64() != u64 ||
			r.Bool() != yes || r.NodeID() != id || r.Uvarint() != u64 || !bytes.Equal(r.Bytes(300), data) {
			t.Fatal("read something else than was written")
		}
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		for cut := range len(b) {
			if err := readAll(b[:cut]); !errors.Is(err, protocol.ErrMalformed) {
				t.Fatalf("cut to %d of %d bytes: got %v, want ErrMalformed", cut, len(b), err)
			}
		}
	})
}

func readAll(b []byte) error {
	r := wire.NewReader(b)
	r.Uint8()
	r.Uint16()
	r.Uint32()
	r.Uint64()
	r.Bool()
	r.NodeID()
	r.Uvarint()
	r.Bytes(300)
	return r.Finish()
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		read func(r *wire.Reader)
	}{
		{"a boolean of 2", []byte{2}, func(r *wire.Reader) { r.Bool() }},
		{"a zero node id", make([]byte, 8), func(r *wire.Reader) { r.NodeID() }},
		{"a longer form than needed", []byte{0x80, 0x00}, func(r *wire.Reader) { r.Uvarint() }},
		{"an overlong integer", bytes.Repeat([]byte{0xff}, 11), func(r *wire.Reader) { r.Uvarint() }},
		{"bytes after the end", []byte{1, 2}, func(r *wire.Reader) { r.Uint8() }},
		{"more elements than bytes", []byte{5, 0, 0}, func(r *wire.Reader) { r.Count(1, 100) }},
		{"more elements than allowed", []byte{3, 0, 0, 0}, func(r *wire.Reader) { r.Count(1, 2) }},
		{"a string beyond its bound", []byte{3, 'a', 'b', 'c'}, func(r *wire.Reader) { _ = r.String(2) }},
		{"a length beyond int", wire.AppendUvarint(nil, math.MaxUint64), func(r *wire.Reader) { r.Bytes(math.MaxInt32) }},
	} {
		r := wire.NewReader(c.b)
		c.read(&r)
		if err := r.Finish(); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", c.name, err)
		}
	}
}

func TestFirstMistakeSticks(t *testing.T) {
	r := wire.NewReader([]byte{7, 1, 1})
	r.Bool()
	first := r.Finish()
	if got := r.Uint8(); got != 0 || !r.Failed() {
		t.Errorf("after a mistake: got %d, want zero", got)
	}
	if got := r.Finish(); got.Error() != first.Error() {
		t.Errorf("got %q, want the first mistake %q", got, first)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 0, 2, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		v := r.Uvarint()
		s := r.String(100)
		n := r.Count(2, 1000)
		rest := r.Bytes(r.Left())
		if r.Finish() != nil {
			return
		}
		out := wire.AppendUvarint(nil, v)
		out = wire.AppendBytes(out, s)
		out = wire.AppendUvarint(out, uint64(n))
		out = wire.AppendBytes(out, rest)
		if !bytes.Equal(out, b) {
			t.Errorf("accepted % x, which encodes to % x", b, out)
		}
	})
}
