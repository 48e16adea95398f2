package cyclon

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
)

func decoders() protocol.Decoders {
	d := protocol.Decoders{}
	for _, m := range Spec().Messages {
		d[m.Kind] = m.Decode
	}
	return d
}

func drawContact(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, protocol.MaxContact).Draw(t, "contact"))
}

func drawEntry(t *rapid.T) Entry {
	return Entry{
		ID:      protocol.NodeID(rapid.Uint64Min(1).Draw(t, "id")),
		Age:     rapid.Uint16().Draw(t, "age"),
		Contact: drawContact(t),
	}
}

func drawEntries(t *rapid.T) []Entry {
	var out []Entry
	for range rapid.IntRange(0, 20).Draw(t, "entries") {
		out = append(out, drawEntry(t))
	}
	return out
}

func drawMessage(t *rapid.T) protocol.Message {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return &Join{Contact: drawContact(t)}
	case 1:
		e := drawEntry(t)
		return &JoinWalk{Newcomer: e.ID, Contact: e.Contact, TTL: rapid.Uint8().Draw(t, "ttl")}
	case 2:
		return &JoinReply{Entry: drawEntry(t)}
	case 3:
		return &Shuffle{Seq: rapid.Uint32().Draw(t, "seq"), Entries: drawEntries(t)}
	default:
		return &ShuffleReply{Seq: rapid.Uint32().Draw(t, "seq"), Entries: drawEntries(t)}
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
		cut := frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "cut")]
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

func TestTooManyEntriesAreRefused(t *testing.T) {
	m := &Shuffle{Entries: make([]Entry, maxEntries+1)}
	for i := range m.Entries {
		m.Entries[i].ID = protocol.NodeID(i + 1)
	}
	if _, err := decodeShuffle(m.Append(nil)); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	one := Entry{ID: 0x1111111111111111, Age: 300, Contact: "\x0a\x00\x00\x01\x1e\xda"}
	two := Entry{ID: 0x2222222222222222}
	var out strings.Builder
	for _, m := range []protocol.Message{
		&Join{Contact: one.Contact},
		&JoinWalk{Newcomer: one.ID, Contact: one.Contact, TTL: 5},
		&JoinReply{Entry: one},
		&Shuffle{Seq: 0xa1b2c3d4, Entries: []Entry{two, one}},
		&ShuffleReply{Seq: 0xa1b2c3d4, Entries: []Entry{one}},
		&ShuffleReply{Seq: 1},
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
