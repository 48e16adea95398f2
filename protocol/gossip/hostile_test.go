package gossip

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// nextRound has a node's timer fire an interval later.
func (b *bench) nextRound(n *Node) {
	b.now = b.now.Add(n.shared.cfg.RoundInterval.Std())
	b.sent = nil
	n.Timer(b, protocol.Timer{Kind: timerRound})
}

// Feedback counts if it is from a peer that was contacted in this round or the one
// before: a stranger's does not end a rumor.
func TestFeedbackOfStrangersDoesNotCount(t *testing.T) {
	for _, stop := range []string{"counter", "coin"} {
		for _, c := range []struct {
			name  string
			from  protocol.NodeID
			late  int // rounds after the contact
			ended bool
		}{
			{"contacted", 7, 0, true},
			{"contacted in the round before", 7, 1, true},
			{"contacted two rounds before", 7, 2, false},
			{"a stranger", 8, 0, false},
		} {
			config := Default()
			config.Mode, config.Stop, config.K = "rumor", stop, 1
			b := &bench{mtu: 1400, now: protocol.Time(time.Hour), peers: []protocol.NodeID{7}}
			n := newBench(t, config, b)
			id := broadcast.ID{Origin: 1, Number: 1}
			n.Receive(b, 1, &Data{ID: id, Hops: 1})
			b.nextRound(n)
			for range c.late {
				b.peers = []protocol.NodeID{6}
				b.nextRound(n)
			}
			n.Receive(b, c.from, &Feedback{ID: id, Knew: true})
			if b.nextRound(n); (len(n.hot) == 0) != c.ended {
				t.Errorf("%s, %s: the rumor ended: %v, want %v", stop, c.name, len(n.hot) == 0, c.ended)
			}
		}
	}
}

// Whoever asked and was told has feedback to give, and those who ask are
// remembered within a bound.
func TestFeedbackOfThoseWhoAsked(t *testing.T) {
	config := Default()
	config.Mode, config.RumorDirection, config.K = "rumor", "pull", 1
	b := &bench{mtu: 1400, now: protocol.Time(time.Hour)}
	n := newBench(t, config, b)
	id := broadcast.ID{Origin: 1, Number: 1}
	n.Receive(b, 1, &Data{ID: id, Hops: 1})
	for from := range protocol.NodeID(1000) {
		n.Receive(b, 1000+from, &Ask{})
	}
	if got, want := len(n.contacts.peers), contactsPer+contactsSpare; got != want {
		t.Errorf("%d contacts are remembered, want %d", got, want)
	}
	b.nextRound(n)
	n.Receive(b, 1999, &Feedback{ID: id, Knew: true})
	if b.nextRound(n); len(n.hot) != 0 || n.contacts.peers != nil {
		t.Errorf("%d rumors, contacts %v, want none", len(n.hot), n.contacts.peers)
	}
}

// Asking brings answer_count messages at most, and none where nodes do not ask.
func TestAnswersToThoseWhoAskAreBounded(t *testing.T) {
	for _, c := range []struct {
		mode, direction string
		want            int
	}{
		{"push", "push", 0},
		{"pull", "push", 0},
		{"push-pull", "push", 0},
		{"rumor", "push", 0},
		{"rumor", "pull", 3},
		{"rumor", "push-pull", 3},
	} {
		config := Default()
		config.Mode, config.RumorDirection, config.AnswerCount = c.mode, c.direction, 3
		b := &bench{mtu: 1400, now: protocol.Time(time.Hour)}
		n := newBench(t, config, b)
		for i := range uint64(10) {
			n.Receive(b, 1, &Data{ID: broadcast.ID{Origin: 1, Number: i}, Hops: 1})
		}
		b.sent = nil
		if n.Receive(b, 2, &Ask{}); len(b.sent) != c.want {
			t.Errorf("%s, direction %s: %d messages, want %d", c.mode, c.direction, len(b.sent), c.want)
		}
	}
}
