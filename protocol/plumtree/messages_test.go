package plumtree

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
	hops := rapid.Uint32Max(maxHops).Draw(t, "hops")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return &Gossip{broadcast.Message{ID: drawID(t), Hops: hops, Payload: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "payload")}}
	case 1:
		m := &IHave{Announcements: []Announcement{}}
		for range rapid.IntRange(0, 5).Draw(t, "announcements") {
			m.Announcements = append(m.Announcements, Announcement{drawID(t), hops})
		}
		return m
	case 2:
		return &Graft{ID: drawID(t), Wanted: rapid.Bool().Draw(t, "wanted")}
	case 3:
		return &Unlink{}
	default:
		return &Prune{Root: protocol.NodeID(rapid.Uint64().Draw(t, "root"))}
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
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("got %+v, %v, want %+v", got, err, m)
		}
		cut := frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "cut")]
		if _, err := d.Decode(cut); !errors.Is(err, protocol.ErrMalformed) {
			t.Fatalf("%T cut to %d of %d bytes: got %v, want ErrMalformed", m, len(cut), len(frame), err)
		}
	})
}

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	id := broadcast.ID{Origin: 0x1111111111111111, Number: 0x2222}
	var out strings.Builder
	for _, m := range []protocol.Message{
		&Gossip{broadcast.Message{ID: id, Hops: 300, Payload: []byte("hello")}},
		&Gossip{broadcast.Message{ID: id, Hops: 1}},
		&IHave{[]Announcement{{id, 2}, {broadcast.ID{Origin: 3, Number: 4}, 1}}},
		&Graft{ID: id, Wanted: true},
		&Prune{Root: id.Origin},
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

// A network without a good check sum of its own must not make messages that
// nobody broadcast: everybody would pass them on.
func TestADamagedMessageIsNoOther(t *testing.T) {
	d := decoders()
	rapid.Check(t, func(t *rapid.T) {
		m := &Gossip{broadcast.Message{ID: drawID(t), Hops: 3, Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")}}
		frame := protocol.AppendFrame(nil, m)
		bit := rapid.IntRange(8*protocol.FrameOverhead, 8*len(frame)-1).Draw(t, "bit")
		frame[bit/8] ^= 1 << (bit % 8)
		got, err := d.Decode(frame)
		if err != nil {
			return
		}
		if g := got.(*Gossip); g.Message.ID != m.Message.ID || !bytes.Equal(g.Message.Payload, m.Message.Payload) {
			t.Fatalf("bit %d: got %+v for %+v", bit, g, m)
		}
	})
}
