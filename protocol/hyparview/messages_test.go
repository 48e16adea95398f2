package hyparview

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

func drawPeer(t *rapid.T) Peer {
	return Peer{
		ID:      protocol.NodeID(rapid.Uint64Min(1).Draw(t, "id")),
		Contact: string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "contact")),
	}
}

func drawPeers(t *rapid.T) []Peer {
	var out []Peer
	for range rapid.IntRange(0, 9).Draw(t, "peers") {
		out = append(out, drawPeer(t))
	}
	return out
}

func drawMessage(t *rapid.T) protocol.Message {
	seq, yes := rapid.Uint32().Draw(t, "seq"), rapid.Bool().Draw(t, "accepted")
	ttl := rapid.Uint8().Draw(t, "ttl")
	return rapid.SampledFrom([]func() protocol.Message{
		func() protocol.Message { return &Join{seq} },
		func() protocol.Message { return &ForwardJoin{drawPeer(t), seq, ttl} },
		func() protocol.Message { return &Neighbor{seq, Priority(ttl % 3)} },
		func() protocol.Message { return &NeighborReply{seq, yes} },
		func() protocol.Message { return &Disconnect{CauseEvicted + Cause(ttl%7)} },
		func() protocol.Message { return &Shuffle{drawPeer(t), seq, ttl, drawPeers(t)} },
		func() protocol.Message { return &ShuffleReply{seq, drawPeers(t)} },
		func() protocol.Message { return &KeepAlive{seq} },
		func() protocol.Message { return &KeepAliveReply{seq} },
		func() protocol.Message { return &Ping{seq} },
		func() protocol.Message { return &Pong{seq} },
		func() protocol.Message { return &Optimization{seq, drawPeer(t)} },
		func() protocol.Message { return &OptimizationReply{seq, yes} },
		func() protocol.Message { return &Replace{seq, drawPeer(t), drawPeer(t)} },
		func() protocol.Message { return &ReplaceReply{seq, yes} },
		func() protocol.Message { return &Switch{seq, drawPeer(t)} },
		func() protocol.Message { return &SwitchReply{seq, yes} },
	}).Draw(t, "message")()
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

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	one := Peer{ID: 0x1111111111111111, Contact: "\x0a\x00\x00\x01\x1e\xda"}
	two := Peer{ID: 0x2222222222222222}
	var out strings.Builder
	for _, m := range []protocol.Message{
		&Join{1},
		&ForwardJoin{one, 1, 6},
		&Neighbor{2, PriorityHigh},
		&NeighborReply{2, true},
		&Disconnect{CauseLeaving},
		&Shuffle{one, 0xa1b2c3d4, 5, []Peer{two, one}},
		&ShuffleReply{0xa1b2c3d4, []Peer{two}},
		&KeepAlive{3},
		&KeepAliveReply{3},
		&Ping{4},
		&Pong{4},
		&Optimization{5, one},
		&OptimizationReply{5, true},
		&Replace{5, one, two},
		&ReplaceReply{5, false},
		&Switch{5, two},
		&SwitchReply{5, true},
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
