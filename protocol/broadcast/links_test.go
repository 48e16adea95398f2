package broadcast

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// members is a sampler that knows who is there, and an Env with nothing but an
// identity and chance.
type members struct {
	protocol.Env
	rand    protocol.Rand
	now     protocol.Time
	present []protocol.NodeID
	told    []func(env protocol.Env, peer protocol.NodeID, present bool)
}

const self protocol.NodeID = 1000

func (m *members) ID() protocol.NodeID  { return self }
func (m *members) Rand() *protocol.Rand { return &m.rand }
func (m *members) Now() protocol.Time   { return m.now }

func (*members) Start(protocol.Env)                                      {}
func (*members) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*members) Timer(protocol.Env, protocol.Timer)                      {}

func (m *members) Members() int { return len(m.present) + 1 }

func (m *members) Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	left := slices.DeleteFunc(slices.Clone(m.present), func(id protocol.NodeID) bool { return skip != nil && skip(id) })
	env.Rand().Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	return left[:min(count, len(left))]
}

func (m *members) OnChange(f func(env protocol.Env, peer protocol.NodeID, present bool)) {
	m.told = append(m.told, f)
}

func (m *members) change(id protocol.NodeID, present bool) {
	m.present = slices.DeleteFunc(m.present, func(other protocol.NodeID) bool { return other == id })
	if present {
		m.present = append(m.present, id)
	}
	for _, f := range m.told {
		f(m, id, present)
	}
}

// linked is Links with what they told.
type linked struct {
	*Links
	m       *members
	peers   map[protocol.NodeID]bool // by Changed
	greeted map[protocol.NodeID]bool
	parted  map[protocol.NodeID]bool // told so, and not greeted since
	waits   int
}

func newLinked(t testing.TB, seed uint64, fanout, present int) *linked {
	t.Helper()
	l := &linked{m: &members{rand: protocol.NewRand(seed)}, peers: map[protocol.NodeID]bool{}, greeted: map[protocol.NodeID]bool{}, parted: map[protocol.NodeID]bool{}}
	for id := range present {
		l.m.present = append(l.m.present, protocol.NodeID(id+1))
	}
	links, err := NewLinks([]protocol.Protocol{l.m}, fanout, Listener{
		Changed: func(_ protocol.Env, peer protocol.NodeID, up bool) {
			if l.peers[peer] == up {
				panic(fmt.Sprintf("peer %d was up %v already", peer, up))
			}
			l.peers[peer] = up
			if !up {
				delete(l.peers, peer)
				delete(l.greeted, peer)
			}
		},
		Greet: func(_ protocol.Env, peer protocol.NodeID) {
			l.greeted[peer] = true
			delete(l.parted, peer)
		},
		Part: func(_ protocol.Env, peer protocol.NodeID) {
			if l.peers[peer] {
				panic(fmt.Sprintf("peer %d is told that it is none", peer))
			}
			l.parted[peer] = true
		},
		Wait: func(protocol.Env, time.Duration) { l.waits++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Links = links
	l.Start(l.m)
	return l
}

// retry has the time pass that the links wanted to wait.
func (l *linked) retry() {
	if l.waits > 0 {
		l.waits--
		l.Retry(l.m)
	}
}

// Whatever happens, the links are those that were told, bounded, each once,
// never to this node itself; whoever departed is none; and when time has passed
// there are as many as there can be.
func TestLinksAreWhatWasTold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fanout := rapid.IntRange(1, 5).Draw(rt, "fanout")
		l := newLinked(t, rapid.Uint64().Draw(rt, "seed"), fanout, rapid.IntRange(0, 12).Draw(rt, "present"))
		id := rapid.Custom(func(t *rapid.T) protocol.NodeID { return protocol.NodeID(rapid.IntRange(1, 60).Draw(t, "id")) })
		rt.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				if id := id.Draw(t, "who"); !slices.Contains(l.m.present, id) {
					l.m.change(id, true)
				}
			},
			"go": func(t *rapid.T) {
				if len(l.m.present) == 0 {
					t.Skip("nobody")
				}
				gone := rapid.SampledFrom(l.m.present).Draw(t, "who")
				l.m.change(gone, false)
				if l.Has(gone) {
					t.Fatalf("%d is gone and still a peer", gone)
				}
			},
			"hear": func(t *rapid.T) {
				from := id.Draw(t, "who")
				if got := l.Heard(l.m, from); got != l.Has(from) {
					t.Fatalf("Heard(%d): got %v", from, got)
				}
				if l.Heard(l.m, self) {
					t.Fatal("a node is its own peer")
				}
			},
			"greet": func(t *rapid.T) {
				from := id.Draw(t, "who")
				if got := l.Greeted(l.m, from); got != l.Has(from) || !got && !l.parted[from] {
					t.Fatalf("Greeted(%d): got %v, told %v", from, got, l.parted[from])
				}
				delete(l.parted, from)
			},
			"part": func(t *rapid.T) {
				if from := id.Draw(t, "who"); l.Has(from) {
					if l.Parted(l.m, from); l.Has(from) {
						t.Fatalf("%d parted and is still a peer", from)
					}
				}
			},
			"later": func(t *rapid.T) {
				l.m.now += protocol.Time(rapid.SampledFrom([]time.Duration{time.Second, settle, silence}).Draw(t, "later"))
			},
			"fail": func(t *rapid.T) { l.Failed(l.m, id.Draw(t, "who")) },
			"wait": func(*rapid.T) { l.retry() },
			"": func(t *rapid.T) {
				got := l.Peers()
				if len(got) != len(l.peers) || len(l.last) != len(got) || len(got) > fanout+l.inbound() || len(l.Links.parted) > l.inbound() || l.waits > 1 {
					t.Fatalf("%d peers, %d told, %d waits", len(got), len(l.peers), l.waits)
				}
				for i, peer := range got {
					if !l.peers[peer] || peer == self || slices.Contains(got[:i], peer) || i < l.picked != l.greeted[peer] {
						t.Fatalf("peers %v, the first %d of them picked, greeted %v", got, l.picked, l.greeted)
					}
				}
			},
		})
		l.retry()
		l.retry()
		strangers := 0
		for _, id := range l.m.present {
			if !l.Has(id) {
				strangers++
			}
		}
		if l.picked < fanout && strangers > 0 {
			rt.Errorf("%d of %d picked, though %d more are there", l.picked, fanout, strangers)
		}
	})
}

// Everybody who is there is as likely to be picked as any other, however they
// became known.
func TestPicksAreUniform(t *testing.T) {
	for _, known := range []int{0, 5, 50} { // from the start; the others come later
		times := map[protocol.NodeID]int{}
		const rounds, fanout, all = 4000, 5, 100
		for seed := range uint64(rounds) {
			l := newLinked(t, seed, fanout, known)
			for id := known + 1; id <= all; id++ {
				l.m.change(protocol.NodeID(id), true)
			}
			for _, peer := range l.Peers() {
				times[peer]++
			}
		}
		for id := range protocol.NodeID(all) {
			// 200 expected; six standard deviations are 83.
			if got := times[id+1]; got < 117 || got > 283 {
				t.Errorf("%d known from the start: %d was picked %d times, want about %d", known, id+1, got, rounds*fanout/all)
			}
		}
	}
}

// Peers that are gone without the sampler knowing are not tried in turn as fast
// as they fail.
func TestFailuresDoNotChaseEachOther(t *testing.T) {
	l := newLinked(t, 1, 2, 4)
	failures := 0
	for range 100 {
		for _, peer := range slices.Clone(l.Peers()) {
			l.Failed(l.m, peer)
			failures++
		}
	}
	if failures > 3 || l.waits != 1 {
		t.Errorf("%d links failed before any time had passed, %d waits, want at most 3 and 1", failures, l.waits)
	}
	l.retry()
	if len(l.Peers()) != 2 {
		t.Errorf("after a while: %d peers, want 2", len(l.Peers()))
	}
}

type overlay struct{ members }

func (o *overlay) Neighbors() []protocol.NodeID { return o.present }

func TestOverlayLinksAreItsNeighbors(t *testing.T) {
	o := &overlay{}
	ups, downs := 0, 0
	l, err := NewLinks([]protocol.Protocol{&members{}, o}, 1, Listener{
		Changed: func(_ protocol.Env, _ protocol.NodeID, up bool) {
			if up {
				ups++
			} else {
				downs++
			}
		},
		Greet: func(protocol.Env, protocol.NodeID) { t.Error("greeted a neighbor, who knows already") },
		Wait:  func(protocol.Env, time.Duration) { t.Error("waits for an overlay's links") },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(o)
	for id := range protocol.NodeID(4) {
		o.change(id+1, true)
	}
	o.change(2, false)
	l.Failed(o, 3)
	if got := l.Peers(); !slices.Equal(got, []protocol.NodeID{1, 3, 4}) || ups != 4 || downs != 1 || !l.Has(3) || l.Heard(o, 9) {
		t.Errorf("got %v, %d up, %d down, want the overlay's neighbors", got, ups, downs)
	}
}

func TestNoSamplerBelow(t *testing.T) {
	if _, err := NewLinks(nil, 3, Listener{}); err == nil {
		t.Error("links without a sampler below: no error")
	}
}
