package flood

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

func decoders() protocol.Decoders {
	d := protocol.Decoders{}
	for _, m := range Spec().Messages {
		d[m.Kind] = m.Decode
	}
	return d
}

func drawID(t *rapid.T) broadcast.ID {
	return broadcast.ID{
		Origin: protocol.NodeID(rapid.Uint64Min(1).Draw(t, "origin")),
		Number: rapid.Uint64().Draw(t, "number"),
	}
}

func drawMessage(t *rapid.T) protocol.Message {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return &Link{}
	case 1:
		return &Unlink{}
	}
	return &Data{
		ID: drawID(t), Hops: rapid.Uint32Range(1, maxHops).Draw(t, "hops"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	d := decoders()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		frame := protocol.AppendFrame(nil, m)
		if len(frame) != protocol.FrameOverhead+m.Size() {
			t.Fatalf("%T: Size is %d, encoded %d", m, m.Size(), len(frame)-protocol.FrameOverhead)
		}
		got, err := d.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Fatalf("got %+v, want %+v", got, m)
		}
		fixed := len(frame)
		if data, ok := m.(*Data); ok {
			fixed -= len(data.Payload) // which goes up to the end
		}
		cut := frame[:rapid.IntRange(0, fixed-1).Draw(t, "cut")]
		if _, err := d.Decode(cut); !errors.Is(err, protocol.ErrMalformed) {
			t.Fatalf("%T cut to %d of %d bytes: got %v, want ErrMalformed", m, len(cut), len(frame), err)
		}
	})
}

// A damaged frame is refused, or is another message's and no less canonical: no
// two frames mean the same.
func TestDamagedFramesAreRefusedOrAnothers(t *testing.T) {
	d := decoders()
	rapid.Check(t, func(t *rapid.T) {
		frame := protocol.AppendFrame(nil, drawMessage(t))
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			i := rapid.IntRange(0, len(frame)-1).Draw(t, "at")
			frame[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		}
		got, err := d.Decode(frame)
		if err == nil && !bytes.Equal(protocol.AppendFrame(nil, got), frame) {
			t.Fatalf("%x was accepted and means %+v, which is written otherwise", frame, got)
		}
	})
}

// The decoded message does not refer to what it was decoded from.
func TestDecodedPayloadIsACopy(t *testing.T) {
	frame := protocol.AppendFrame(nil, &Data{ID: broadcast.ID{Origin: 1}, Hops: 1, Payload: []byte("abc")})
	m, err := decoders().Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if got := string(m.(*Data).Payload); got != "abc" {
		t.Errorf("got %q, want what was sent", got)
	}
}

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	var out strings.Builder
	for _, m := range []protocol.Message{
		&Data{ID: broadcast.ID{Origin: 0x1111111111111111, Number: 1_000_000_000}, Hops: 1, Payload: []byte("hello")},
		&Data{ID: broadcast.ID{Origin: 0x2222222222222222, Number: 1 << 63}, Hops: 300},
		&Link{},
		&Unlink{},
	} {
		out.WriteString(hex.EncodeToString(protocol.AppendFrame(nil, m)) + "\n")
	}
	path := filepath.Join("testdata", "messages.hex")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// FuzzDecode looks for a frame that makes a decoder panic, or that it accepts
// and encodes differently.
func FuzzDecode(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "messages.hex"))
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		frame, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	d := decoders()
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := d.Decode(frame)
		if err != nil {
			return
		}
		if again := protocol.AppendFrame(nil, m); !bytes.Equal(again, frame) || m.Size() != len(frame)-protocol.FrameOverhead {
			t.Errorf("accepted % x, which encodes to % x (Size %d)", frame, again, m.Size())
		}
	})
}
