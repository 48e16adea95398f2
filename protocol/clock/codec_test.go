package clock_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
)

func vectorOf(dots ...clock.Dot) clock.VersionVector {
	v, _ := clock.NewVersionVector(dots...)
	return v
}

// The format, byte by byte as the package's documentation has it.
func TestGoldenBytes(t *testing.T) {
	a, b := clock.Actor{Node: 0xa1}, clock.Actor{Node: 0xb2, Incarnation: 300}
	context, _ := clock.NewDotContext(
		clock.Run{Actor: a, From: 1, To: 5}, clock.Run{Actor: a, From: 7, To: 7},
		clock.Run{Actor: b, From: 2, To: 201},
	)
	var set clock.DVVSet
	set, _ = set.Update(clock.VersionVector{}, a, "x")
	set, _ = set.Update(clock.VersionVector{}, a, "yz")
	set, _ = set.Update(vectorOf(clock.Dot{Actor: b, Counter: 3}), a, "")
	for _, c := range []struct {
		name string
		v    encoder
		want string
	}{
		{"timestamp", clock.Timestamp{Wall: 258, Logical: 128, Node: 0xa1}, "0000000000000102 8001 00000000000000a1"},
		{"vector", vectorOf(clock.Dot{Actor: b, Counter: 128}, clock.Dot{Actor: a, Counter: 1}), "02 00000000000000a1 00 01 00000000000000b2 ac02 8001"},
		{"empty vector", clock.VersionVector{}, "00"},
		{"context", context, "02 00000000000000a1 00 05 01 00 00 00000000000000b2 ac02 00 01 00 c701"},
		{"empty context", clock.DotContext{}, "00"},
		{"values", set, "02 00000000000000a1 00 03 03 00 02797a 0178 00000000000000b2 ac02 03 00"},
	} {
		want := strings.ReplaceAll(c.want, " ", "")
		if got := hex.EncodeToString(c.v.Append(nil)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

func TestDecodersRefuse(t *testing.T) {
	const a, b = "00000000000000a1 00", "00000000000000b2 00"
	const most, tooMany = "ffffffffffffffff7f", "80808080808080808001"
	vector := func(b []byte) error { _, err := clock.DecodeVersionVector(b); return err }
	context := func(b []byte) error { _, err := clock.DecodeDotContext(b); return err }
	values := func(b []byte) error { _, err := clock.DecodeDVVSet(b); return err }
	for _, c := range []struct {
		name   string
		decode func([]byte) error
		bytes  string
	}{
		{"no input", vector, ""},
		{"bytes after the end", vector, "00 00"},
		{"more actors than bytes", vector, "ff01" + a + "01"},
		{"actors out of order", vector, "02" + b + "01" + a + "01"},
		{"an actor twice", vector, "02" + a + "01" + a + "02"},
		{"nobody", vector, "01 0000000000000000 00 01"},
		{"an incarnation beyond 32 bits", vector, "01 00000000000000a1 8080808010 01"},
		{"counter 0", vector, "01" + a + "00"},
		{"a counter beyond the largest", vector, "01" + a + tooMany},
		{"an actor without events", context, "01" + a + "00 00 00"},
		{"actors out of order", context, "02" + b + "01 00" + a + "01 00"},
		{"an actor twice", context, "02" + a + "01 00" + a + "01 00"},
		{"a base beyond the largest", context, "01" + a + tooMany + "00"},
		{"a gap beyond the largest", context, "01" + a + "01 01" + most + "00"},
		{"a run that begins beyond the largest", context, "01" + a + "01 01 fdffffffffffffff7f 00"},
		{"a gap that wraps", context, "01" + a + most + "01 ffffffffffffffffff01 00"},
		{"a run beyond the largest", context, "01" + a + "01 01 00" + most},
		{"a run that wraps", context, "01" + a + "01 01 00 ffffffffffffffffff01"},
		{"more runs than bytes", context, "01" + a + "01 7f 00 00"},
		{"more values than events", values, "01" + a + "01 02 00 00"},
		{"actors out of order", values, "02" + b + "01 00" + a + "01 00"},
		{"more values than bytes", values, "01" + a + "7f 7f 00 00"},
	} {
		in, err := hex.DecodeString(strings.ReplaceAll(c.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.decode(in); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", c.name, err)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	f.Add(clock.Timestamp{Wall: 258, Logical: 128, Node: 7}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { mustBeCanonical(t, b, decodeTimestamp) })
}

func FuzzVersionVector(f *testing.F) {
	f.Add(vectorOf(clock.Dot{Actor: actors[0], Counter: 1}, clock.Dot{Actor: actors[1], Counter: 300}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { mustBeCanonical(t, b, clock.DecodeVersionVector) })
}

func FuzzDotContext(f *testing.F) {
	c, _ := clock.NewDotContext(clock.Run{Actor: actors[0], From: 1, To: 5}, clock.Run{Actor: actors[0], From: 7, To: 9}, clock.Run{Actor: actors[1], From: 3, To: 4})
	f.Add(c.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { mustBeCanonical(t, b, clock.DecodeDotContext) })
}

func FuzzDVVSet(f *testing.F) {
	var s clock.DVVSet
	s, _ = s.Update(clock.VersionVector{}, actors[0], "one")
	s, _ = s.Update(clock.VersionVector{}, actors[1], "two")
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { mustBeCanonical(t, b, clock.DecodeDVVSet) })
}
