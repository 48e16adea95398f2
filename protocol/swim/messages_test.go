package swim

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
	"github.com/starling-sim/starling/protocol/membertable"
)

func decoders() protocol.Decoders {
	d := protocol.Decoders{}
	for _, m := range Spec().Messages {
		d[m.Kind] = m.Decode
	}
	return d
}

func drawUpdate(t *rapid.T) Update {
	text := func(name string, max int) string {
		return string(rapid.SliceOfN(rapid.Byte(), 0, max).Draw(t, name))
	}
	u := Update{Member: membertable.Member{
		ID:          protocol.NodeID(rapid.Uint64Min(1).Draw(t, "id")),
		Incarnation: rapid.Uint32Max(maxIncarnation).Draw(t, "incarnation"),
		Status:      membertable.Status(rapid.IntRange(1, 4).Draw(t, "status")),
	}}
	switch u.Member.Status {
	case membertable.Alive:
		u.Member.Contact, u.Member.Metadata = text("contact", 20), text("metadata", 40)
	case membertable.Suspect, membertable.Dead:
		u.Accuser = protocol.NodeID(rapid.Uint64Min(1).Draw(t, "accuser"))
	}
	return u
}

func drawUpdates(t *rapid.T) []Update {
	n := rapid.IntRange(0, 5).Draw(t, "updates")
	var out []Update
	for range n {
		out = append(out, drawUpdate(t))
	}
	return out
}

func drawTable(t *rapid.T) membertable.Table {
	var members []membertable.Member
	for range rapid.IntRange(0, 90).Draw(t, "members") {
		u := drawUpdate(t)
		members = append(members, u.Member)
	}
	return membertable.New(nil).WithAll(members)
}

func drawMessage(t *rapid.T) protocol.Message {
	seq := rapid.Uint32().Draw(t, "seq")
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return &Ping{Seq: seq, Updates: drawUpdates(t)}
	case 1:
		return &Ack{Seq: seq, Updates: drawUpdates(t)}
	case 2:
		target := drawUpdate(t).Member
		return &PingReq{Seq: seq, Target: target.ID, Contact: target.Contact, WantNack: rapid.Bool().Draw(t, "nack"), Updates: drawUpdates(t)}
	case 3:
		return &Nack{Seq: seq}
	case 4:
		return &Gossip{Updates: drawUpdates(t)}
	case 5:
		return &PushPull{Reply: rapid.Bool().Draw(t, "reply"), Table: drawTable(t)}
	case 6:
		return &StreamPing{Seq: seq}
	default:
		return &StreamAck{Seq: seq}
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
		if p, ok := m.(*PushPull); ok {
			if q := got.(*PushPull); q.Reply != p.Reply || !q.Table.Equal(p.Table) {
				t.Fatalf("got another table")
			}
		} else if !reflect.DeepEqual(got, m) {
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
		m := drawMessage(t)
		frame := protocol.AppendFrame(nil, m)
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

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	alive := Update{Member: membertable.Member{ID: 0x1111111111111111, Incarnation: 300, Status: membertable.Alive, Contact: "\x0a\x00\x00\x01\x1e\xda", Metadata: "rack 12"}}
	suspect := Update{Member: membertable.Member{ID: 0x2222222222222222, Incarnation: 1, Status: membertable.Suspect}, Accuser: 0x3333333333333333}
	dead := Update{Member: membertable.Member{ID: 0x4444444444444444, Status: membertable.Dead}, Accuser: 0x3333333333333333}
	left := Update{Member: membertable.Member{ID: 0x5555555555555555, Incarnation: 7, Status: membertable.Left}}
	table := membertable.New(nil).WithAll([]membertable.Member{alive.Member, suspect.Member, dead.Member, left.Member})
	var out strings.Builder
	for _, m := range []protocol.Message{
		&Ping{Seq: 1},
		&Ping{Seq: 0xa1b2c3d4, Updates: []Update{suspect}},
		&Ack{Seq: 1, Updates: []Update{alive, dead}},
		&PingReq{Seq: 2, Target: 0x2222222222222222, Contact: "\x0a\x00\x00\x02\x1e\xda", WantNack: true},
		&Nack{Seq: 2},
		&Gossip{Updates: []Update{alive, suspect, dead, left}},
		&PushPull{Reply: true, Table: table},
		&StreamPing{Seq: 3},
		&StreamAck{Seq: 3},
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

func BenchmarkPingWithSixUpdates(b *testing.B) {
	var updates []Update
	for i := range 6 {
		updates = append(updates, Update{Member: membertable.Member{ID: protocol.NodeID(i + 1), Incarnation: 3, Status: membertable.Suspect}, Accuser: 99})
	}
	m := &Ping{Seq: 1, Updates: updates}
	frame := protocol.AppendFrame(nil, m)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 512)
		for b.Loop() {
			buf = protocol.AppendFrame(buf[:0], m)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		d := decoders()
		for b.Loop() {
			if _, err := d.Decode(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
}
