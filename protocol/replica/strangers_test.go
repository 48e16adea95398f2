package replica

import (
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/mst"
)

// A peer that claims to know events of as many actors as a vector may have does
// not take this node's own place away.
func TestActorsThatNobodyIsLeaveRoom(t *testing.T) {
	s := newStage(t, still(), 2)
	a := s.actors[0]
	for number, count := range []int{maxActors, maxActors - 1} {
		dots := make([]clock.Dot, count)
		for i := range dots {
			dots[i] = clock.Dot{Actor: clock.Actor{Node: protocol.NodeID(1<<30 + i)}, Counter: 1}
		}
		v, _ := clock.NewVersionVector(dots...)
		session := uint64(number + 1)
		a.node.Receive(a, 0x666, &Open{Session: session, Profile: a.node.profileMark(), Known: v})
		a.node.Receive(a, 0x666, &Commit{Session: session, Sent: 1})
		s.put(0, "k", "v")
		open := &Open{Known: a.node.known}
		if _, err := decodeAs(open.Kind(), open.Append(nil)); err != nil {
			t.Errorf("%d actors: nobody can read what it sends: %v", count, err)
		}
	}
}

// Questions that wait for their answers take bounded memory, however large each is.
func TestQuestionsAreBounded(t *testing.T) {
	c := still()
	c.PeerRate = 1 << 20
	s := newStage(t, c, 2)
	for i := range 2000 {
		s.put(1, string(initialKey(i)), "v")
	}
	b := s.actors[1]
	b.node.Receive(b, 0x666, &Open{Session: 1, Profile: b.node.profileMark()})
	root := b.node.sessions[0].mine.Root()
	want := mst.Want{Form: mst.FormPage, After: make([]byte, MaxKey)}
	copy(want.ID[:], root[:])
	wants := make([]mst.Want, 1<<10)
	for i := range wants {
		wants[i] = want
	}
	for range maxAsking>>20 + 2 {
		b.node.Receive(b, 0x666, &Ask{Session: 1, Round: 1, Wants: append([]mst.Want(nil), wants...)})
		for _, s := range b.node.sessions {
			if s.asking > maxAsking {
				t.Fatalf("%d bytes of questions wait", s.asking)
			}
		}
	}
	if len(b.node.sessions) > 0 {
		t.Error("the session goes on")
	}
	want.After = make([]byte, MaxKey+1)
	m := &Ask{Session: 1, Round: 1, Wants: []mst.Want{want}}
	if _, err := decodeAs(m.Kind(), m.Append(nil)); err == nil {
		t.Error("decoded a question with a key that is too long")
	}
}
