package gossip

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// bench is a world for one node: the test is everybody else.
type bench struct {
	protocol.Env
	rand protocol.Rand
	now  protocol.Time
	mtu  int
	sent []protocol.Message
	// peers are those whom the sampler picks.
	peers []protocol.NodeID
}

func (*bench) ID() protocol.NodeID                                       { return 99 }
func (b *bench) Rand() *protocol.Rand                                    { return &b.rand }
func (b *bench) Now() protocol.Time                                      { return b.now }
func (b *bench) MaxDatagram() int                                        { return b.mtu }
func (*bench) Emit(protocol.Event)                                       {}
func (*bench) After(time.Duration, protocol.Timer)                       {}
func (*bench) Start(protocol.Env)                                        {}
func (*bench) Receive(protocol.Env, protocol.NodeID, protocol.Message)   {}
func (*bench) Timer(protocol.Env, protocol.Timer)                        {}
func (*bench) OnChange(func(protocol.Env, protocol.NodeID, bool))        {}
func (b *bench) SendStream(to protocol.NodeID, m protocol.Message) error { return b.Send(to, m) }
func (b *bench) Send(_ protocol.NodeID, m protocol.Message) error {
	b.sent = append(b.sent, m)
	return nil
}

func (b *bench) Sample(protocol.Env, int, func(protocol.NodeID) bool) []protocol.NodeID {
	return b.peers
}

func newBench(t testing.TB, c Config, b *bench) *Node {
	t.Helper()
	p, err := newBuilder(&c)([]protocol.Protocol{b})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Node)
}

// However much two nodes know and however little fits a datagram: a digest fits,
// what it brings are messages that the asker lacks, and what it requests are such
// that the other lacks; and sooner or later each has all.
func TestExchangesMakeEqual(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &bench{mtu: rapid.IntRange(40, 300).Draw(rt, "mtu"), rand: protocol.NewRand(rapid.Uint64().Draw(rt, "seed"))}
		config := Default()
		config.AnswerCount = rapid.IntRange(1, 10).Draw(rt, "answer_count")
		asker, other := newBench(t, config, b), newBench(t, config, b)
		give := func(name string, count int, to ...*Node) {
			for i := range count {
				id := broadcast.ID{Origin: protocol.NodeID(rapid.IntRange(1, 9).Draw(rt, "origin")), Number: uint64(len(name)*1000 + i)}
				for _, n := range to {
					n.Receive(b, 1, &Data{ID: id, Hops: 1})
				}
			}
		}
		give("asker", rapid.IntRange(0, 30).Draw(rt, "asker"), asker)
		give("theother", rapid.IntRange(0, 30).Draw(rt, "other"), other)
		give("shared", rapid.IntRange(0, 30).Draw(rt, "shared"), asker, other)
		total := map[broadcast.ID]bool{}
		for _, n := range []*Node{asker, other} {
			for _, r := range n.hot {
				total[r.id] = true
			}
		}
		deliver := func(to *Node, requests bool) (requested []protocol.Message) {
			sent := b.sent
			b.sent = nil
			for _, m := range sent {
				switch m := m.(type) {
				case *Data:
					if to.history.Seen(m.ID, b.Now(), &to.shared.history) {
						rt.Fatalf("%v was sent to one that has it", m.ID)
					}
					to.Receive(b, 1, m)
				case *Request:
					if !requests || m.Size() > b.mtu {
						rt.Fatalf("a request of %d bytes, MTU %d", m.Size(), b.mtu)
					}
					requested = append(requested, m)
				}
			}
			return requested
		}
		for range 3000 {
			if len(asker.hot) == len(total) && len(other.hot) == len(total) {
				return
			}
			d := asker.digest(b)
			if d.Size() > b.mtu {
				rt.Fatalf("a digest of %d bytes, MTU %d", d.Size(), b.mtu)
			}
			other.Receive(b, 1, d)
			for _, r := range deliver(asker, true) {
				asker.Receive(b, 1, r)
				deliver(other, false)
			}
		}
		rt.Fatalf("%d and %d of %d messages after 3000 exchanges", len(asker.hot), len(other.hot), len(total))
	})
}

// In a round that is aligned nothing is passed on that came in it.
func TestAlignedRoundsRestOnTheirBeginning(t *testing.T) {
	for _, mode := range []string{"pull", "rumor"} {
		config := Default()
		config.Mode, config.RoundPhase, config.RumorDirection = mode, "aligned", "pull"
		b := &bench{mtu: 1400, now: protocol.Time(5*time.Second + time.Millisecond)}
		n := newBench(t, config, b)
		id := broadcast.ID{Origin: 1, Number: 1}
		n.Receive(b, 1, &Data{ID: id, Hops: 1})
		ask := func() int {
			b.sent = nil
			if mode == "pull" {
				n.Receive(b, 2, &Digest{To: ^uint64(0)})
			} else {
				n.Receive(b, 2, &Ask{})
			}
			return len(b.sent)
		}
		if got := ask(); got != 0 {
			t.Errorf("%s: %d messages in the round in which the first came, want 0", mode, got)
		}
		b.now = protocol.Time(6*time.Second + 1)
		if got := ask(); got != 1 {
			t.Errorf("%s: %d messages in the round after, want 1", mode, got)
		}
	}
}

// A further copy in the cycle of the first counts as news, if so configured.
func TestFeedbackInTheCycleOfTheFirst(t *testing.T) {
	for sameCycle, wantKnew := range map[string]bool{"useful": false, "unnecessary": true} {
		config := Default()
		config.Mode, config.RoundPhase, config.SameCycle = "rumor", "aligned", sameCycle
		b := &bench{mtu: 1400, now: protocol.Time(5*time.Second + time.Millisecond)}
		n := newBench(t, config, b)
		push := func() bool {
			b.sent = nil
			n.Receive(b, 1, &Data{ID: broadcast.ID{Origin: 1, Number: 1}, Hops: 1, Feedback: true})
			return b.sent[0].(*Feedback).Knew
		}
		if push() {
			t.Errorf("%s: the first copy was known", sameCycle)
		}
		if got := push(); got != wantKnew {
			t.Errorf("%s: a copy in the same cycle: knew %v", sameCycle, got)
		}
		b.now = protocol.Time(6*time.Second + 1)
		if !push() {
			t.Errorf("%s: a copy in the next cycle was news", sameCycle)
		}
	}
}
