package replica

import (
	"bytes"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// FuzzDecode looks for a frame that makes a decoder panic, or that it accepts
// and encodes differently.
func FuzzDecode(f *testing.F) {
	for _, m := range goldenMessages() {
		f.Add(protocol.AppendFrame(nil, m))
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

// FuzzPush looks for a broadcast that makes a node panic, that is read otherwise
// than it was written, or that leaves the node invalid.
func FuzzPush(f *testing.F) {
	s := newStage(f, still(), 1)
	s.put(0, "k", "v")
	s.actors[0].node.flush(s.actors[0])
	f.Add(s.actors[0].below.pushed[0])
	f.Add(appendItems([]byte(pushDeltas), []Item{{[]byte("k"), []byte{1, 4, 1, 0}}, {nil, nil}}))
	f.Add(append(wire.AppendBytes([]byte(pushDigests+"\x01"), "k"), make([]byte, digestSize)...))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) >= len(pushDeltas) && string(payload[:len(pushDeltas)]) == pushDeltas {
			if items, err := decodeDeltas(payload); err == nil && !bytes.Equal(appendItems([]byte(pushDeltas), items), payload) {
				t.Errorf("accepted % x", payload)
			}
		}
		s := newStage(t, still(), 1)
		s.put(0, "k", "v")
		s.push(payload, 0)
		s.pass(2 * sessionRetry)
		newTruth().check(t, s.actors[0])
		s.put(0, "k", "w")
	})
}

// FuzzNode feeds a node that begins and answers sessions with what a peer makes
// up, and checks that it stays valid, and small.
func FuzzNode(f *testing.F) {
	var all []byte
	for _, m := range goldenMessages() {
		frame := protocol.AppendFrame(nil, m)
		all = append(wire.AppendUvarint(all, uint64(len(frame))), frame...)
	}
	f.Add(all, uint8(0))
	f.Add(all, uint8(1))
	for mode := range uint8(len(modes)) {
		f.Add(recorded(f, 0, fuzzed(mode)), 2*mode)
		f.Add(recorded(f, 1, fuzzed(mode)), 2*mode+1)
	}
	d := decoders()
	f.Fuzz(func(t *testing.T, script []byte, first uint8) {
		s := newStage(t, fuzzed(first/2), 2)
		a := s.actors[0]
		s.put(0, "mine", "v")
		s.put(0, "both", "v")
		s.put(0, "deleted", "v")
		s.remove(0, "deleted")
		var id uint64
		if first%2 == 0 {
			s.begin(0, 1)
			id = a.node.sessions[0].id
		}
		r := wire.NewReader(script)
		for r.Left() > 0 && !r.Failed() {
			m, err := d.Decode(r.Bytes(len(script)))
			if err != nil {
				continue
			}
			if first%2 == 0 {
				m = inSession(m, id)
			}
			a.node.Receive(a, idOf(1), m)
			for _, n := range a.node.sessions {
				if len(n.jobs) > 4*len(script)+8 || n.owed > maxFlight+maxItems {
					t.Fatalf("%d things wait to be sent", len(n.jobs))
				}
			}
		}
		newTruth().check(t, a)
		s.wire = nil
		s.pass(2 * s.shared.cfg.SessionTimeout.Std())
		if len(a.node.sessions) > 0 || len(a.node.rates) > 1 {
			t.Fatalf("%d sessions and the rates of %d peers are left", len(a.node.sessions), len(a.node.rates))
		}
		_ = a.node.Put(a, []byte("mine"), []byte("w"))
	})
}

// fuzzed is a configuration with one of the ways to compare contents.
func fuzzed(mode uint8) Config {
	c := still()
	c.Compare = modes[int(mode)%len(modes)]
	c.MerkleDepth = 3
	return c
}

// inSession puts a message into the session that a node began.
func inSession(m protocol.Message, id uint64) protocol.Message {
	switch m := m.(type) {
	case *Accept:
		m.Session = id
	case *Pages:
		m.Session = id
	case *Entries:
		m.Session = id
	case *Done:
		m.Session = id
	case *Leaves:
		m.Session = id
	case *Last:
		m.Session = id
	}
	return m
}

// recorded is what a true peer says in a session that this node or it began.
func recorded(t testing.TB, first int, c Config) (script []byte) {
	s := newStage(t, c, 2)
	s.put(0, "mine", "v")
	s.put(0, "both", "v")
	s.put(1, "both", "w")
	s.put(1, "theirs", "v")
	s.heard = func(from, _ int, m protocol.Message) {
		if from == 1 {
			frame := protocol.AppendFrame(nil, m)
			script = append(wire.AppendUvarint(script, uint64(len(frame))), frame...)
		}
	}
	s.meet(first, 1-first)
	return script
}
