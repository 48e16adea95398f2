package broadcast

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Whoever is given up for a newcomer is told, and what it sent before it knew does
// not bring it back; when it picks this node, it is a peer.
func TestAPickThatGivesWayIsTold(t *testing.T) {
	l := newLinked(t, 1, 2, 2)
	for id := range protocol.NodeID(20) {
		l.m.change(10+id, true)
	}
	if len(l.parted) == 0 || len(l.Peers()) != 2 {
		t.Fatalf("%d told, peers %v", len(l.parted), l.Peers())
	}
	for id := range l.parted {
		if l.Heard(l.m, id) {
			t.Errorf("%d is a peer again by what it sent before it knew", id)
		}
	}
	for id := range l.parted { // in any order
		if !l.Greeted(l.m, id) {
			t.Errorf("%d picked this node and is no peer", id)
		}
	}
}

// Word that a peer parted may get lost. What it sends long after makes it a peer.
func TestAPeerThatDoesNotKnowIsTakenInTheEnd(t *testing.T) {
	l := newLinked(t, 1, 1, 1)
	for id := range protocol.NodeID(20) {
		l.m.change(10+id, true)
	}
	l.m.now += protocol.Time(settle)
	if !l.Heard(l.m, 1) || l.Links.parted != nil {
		t.Errorf("peers %v, parted %v", l.Peers(), l.Links.parted)
	}
}

// The other side has given up the link: it is none, and another is picked, also
// if this node had picked it.
func TestALinkThatThePeerGaveUpIsNone(t *testing.T) {
	l := newLinked(t, 1, 2, 5)
	peer := l.Peers()[0]
	if l.Parted(l.m, peer); l.Has(peer) || l.picked != 2 || len(l.parted) != 0 {
		t.Errorf("peers %v after %d parted, %d picked, %d told", l.Peers(), peer, l.picked, len(l.parted))
	}
}

// Peers that picked this node and vanished without a word give way to others, the
// one that was silent for longest first; those that are heard of do not.
func TestSilentPeersGiveWay(t *testing.T) {
	l := newLinked(t, 1, 2, 2)
	const first = protocol.NodeID(2000)
	for i := range protocol.NodeID(l.inbound()) {
		l.m.now++
		l.Heard(l.m, first+i)
	}
	l.m.now += protocol.Time(silence / 2)
	l.Heard(l.m, first) // is well
	if l.Greeted(l.m, 5000) || !l.parted[5000] {
		t.Error("one too many was taken, or not told")
	}
	l.m.now += protocol.Time(silence / 2)
	if !l.Heard(l.m, 5000) || l.Has(first+1) || !l.parted[first+1] {
		t.Errorf("peers %v: want 5000 in the place of %d, which knows", l.Peers(), first+1)
	}
	for i := range protocol.NodeID(200) {
		l.m.now += protocol.Time(time.Millisecond)
		l.Heard(l.m, 6000+i)
	}
	if !l.Has(first) || !l.Has(5000) || len(l.Peers()) != 2+l.inbound() {
		t.Errorf("peers %v: want those of whom was heard to stay", l.Peers())
	}
}
