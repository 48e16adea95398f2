package flood_test

import (
	"errors"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/flood"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

// The protocol above is told of every message of others, and can broadcast
// itself.
func TestProtocolsAboveAreTold(t *testing.T) {
	c := newCluster(t, options{seed: 1, nodes: 5, below: "ring", config: flood.Default()})
	for i := range c.nodes {
		c.join(0, i)
	}
	var got []string
	c.at(second/2, func(*sim.Control) {
		for _, n := range c.made {
			n.OnDeliver(func(env protocol.Env, m broadcast.Message) {
				got = append(got, string(m.Payload))
				if string(m.Payload) == "ping" && m.Hops == 2 && len(got) == 3 {
					if _, err := n.Broadcast(env, []byte("pong")); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
	c.broadcast(second, 0, []byte("ping"))
	c.run(5 * second)
	pings, pongs := 0, 0
	for _, payload := range got {
		switch payload {
		case "ping":
			pings++
		case "pong":
			pongs++
		}
	}
	if pings != 4 || pongs != 4 {
		t.Errorf("got %d ping and %d pong, want 4 each: %q", pings, pongs, got)
	}
}

func TestTooLargePayloadIsRefused(t *testing.T) {
	c := newCluster(t, options{seed: 1, nodes: 3, below: "ring", config: flood.Default()})
	for i := range c.nodes {
		c.join(0, i)
	}
	c.at(second, func(w *sim.Control) {
		for size, want := range map[int]error{flood.MaxPayload: nil, flood.MaxPayload + 1: protocol.ErrTooLarge} {
			err := w.Command(0, protocol.Command{Kind: flood.CommandBroadcast, Value: make([]byte, size)}, 0)
			if !errors.Is(err, want) {
				t.Errorf("%d bytes: got %v, want %v", size, err, want)
			}
		}
	})
	c.run(5 * second)
	if got := c.world.Counters().Refused; got != 0 {
		t.Errorf("%d messages were too large to send", got)
	}
}

// An hour at a steady rate: what nodes remember stays within its bounds.
func TestMemoryIsBounded(t *testing.T) {
	o := options{seed: 1, nodes: 5, below: "ring", config: flood.Default()}
	o.config.HistoryCount, o.config.HistoryOrigins, o.config.HistoryAge = 20, 2, quantity.Duration(30*second)
	c := newCluster(t, o)
	for i := range c.nodes {
		c.join(0, i)
	}
	for i := range 3600 {
		c.broadcast(time.Duration(i+1)*second, i%c.nodes, nil)
	}
	for at := 10 * second; at <= time.Hour; at += 10 * second {
		c.run(at)
		for i, n := range c.made {
			if seen, origins := n.Sizes(); seen > 20 || origins > 2 {
				t.Fatalf("%v: node %d remembers %d messages and %d origins", at, i, seen, origins)
			}
		}
	}
	for key, by := range c.delivered() {
		for node, times := range by {
			if times != 1 {
				t.Fatalf("node %d delivered message %#x %d times", node, key, times)
			}
		}
	}
}

// A link that comes is sent what was broadcast shortly before, if that is
// wanted.
func TestANewLinkIsSentRecentMessages(t *testing.T) {
	for _, resend := range []time.Duration{0, 5 * second} {
		config := flood.Default()
		config.Resend = quantity.Duration(resend)
		c := newCluster(t, options{seed: 1, nodes: 5, below: "swim", config: config})
		for i := range c.nodes - 1 {
			c.join(0, i)
		}
		c.broadcast(10*second, 0, []byte("news"))
		c.join(11*second, 4)
		c.run(30 * second)
		for _, by := range c.delivered() {
			if got, want := by[4], min(int(resend), 1); got != want || by[1] != 1 {
				t.Errorf("resend %v: the newcomer got it %d times, want %d", resend, got, want)
			}
		}
	}
}

// Over a bare sampler nodes that come one by one have about twice fanout links each
// in the end: a pick that gives way drops the link, too.
func TestLinksStayFewWhileMembersCome(t *testing.T) {
	o := options{seed: 1, nodes: 60, below: "swim", config: flood.Default()}
	o.config.Fanout = 3
	c := newCluster(t, o)
	for i := range c.nodes {
		c.at(time.Duration(i)*second, func(w *sim.Control) { must(t, w.Join(i, []int{0})) })
	}
	for i := range 2 * c.nodes {
		c.broadcast(time.Duration(i+5)*second, 0, []byte("x"))
	}
	c.run(3 * time.Minute)
	links := 0
	for _, n := range c.made {
		links += len(n.Links())
	}
	if most := 5 * o.config.Fanout * c.nodes / 2; len(c.made) != c.nodes || links > most {
		t.Errorf("%d nodes have %d links, want at most %d", len(c.made), links, most)
	}
}
