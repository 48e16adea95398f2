package hyparview

import (
	"strings"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

func TestDefaultsAreValid(t *testing.T) {
	c := Default()
	if err := Spec().Check(&c); err != nil {
		t.Fatal(err)
	}
	if err := Spec().Check(c); err == nil {
		t.Error("accepted a configuration of another type")
	}
}

func TestCheckNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(c *Config){
		"active_size":         func(c *Config) { c.ActiveSize = 1 },
		"passive_size":        func(c *Config) { c.PassiveSize = 0 },
		"active_walk":         func(c *Config) { c.ActiveWalk = 0 },
		"passive_walk":        func(c *Config) { c.PassiveWalk = 7 },
		"shuffle_interval":    func(c *Config) { c.ShuffleInterval = 0 },
		"shuffle_walk":        func(c *Config) { c.ShuffleWalk = 101 },
		"shuffle_active":      func(c *Config) { c.ShuffleActive = -1 },
		"shuffle_passive":     func(c *Config) { c.ShufflePassive = 65 },
		"keep_alive_misses":   func(c *Config) { c.KeepAliveMisses = 0 },
		"reply_timeout":       func(c *Config) { c.ReplyTimeout = 0 },
		"transport":           func(c *Config) { c.Transport = "pigeon" },
		"rejoin_interval":     func(c *Config) { c.RejoinInterval = 0 },
		"reconnect_timeout":   func(c *Config) { c.ReconnectTimeout = 0 },
		"optimise_interval":   func(c *Config) { c.OptimiseInterval = 0 },
		"unbiased":            func(c *Config) { c.Unbiased = -1 },
		"passive_scan":        func(c *Config) { c.PassiveScan = 0 },
		"keep_alive_interval": func(c *Config) { c.Optimise, c.KeepAliveInterval = true, 0 },
	} {
		c := Default()
		spoil(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: got %v, want an error that names it", key, err)
		}
		if _, err := newBuilder(&c)(nil); err == nil {
			t.Errorf("%s: built a node", key)
		}
	}
}

// members is a membership protocol below.
type members struct {
	known  []protocol.NodeID
	listen func(env protocol.Env, member protocol.NodeID, present bool)
}

func (*members) Start(protocol.Env)                                      {}
func (*members) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*members) Timer(protocol.Env, protocol.Timer)                      {}
func (m *members) OnChange(f func(protocol.Env, protocol.NodeID, bool))  { m.listen = f }
func (m *members) Sample(_ protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	for _, id := range m.known {
		if !skip(id) {
			return []protocol.NodeID{id}
		}
	}
	return nil
}

// What a membership protocol below says counts, and whom it knows is asked when
// nobody else is left.
func TestMembershipBelow(t *testing.T) {
	c := quiet()
	below := &members{known: []protocol.NodeID{self, 2, 300, 301}}
	p, err := newBuilder(&c)([]protocol.Protocol{below})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: p.(*Node), rand: protocol.NewRand(1)}
	b.node.Start(b)
	for id := protocol.NodeID(1); id <= 2; id++ {
		b.hear(id, &Neighbor{Seq: 1, Priority: PriorityHigh})
	}
	b.sent = nil
	below.listen(b, 1, false)
	b.wantLinked(1, false)
	for _, want := range []protocol.NodeID{300, 301} {
		m, to := one[*Neighbor](b)
		if to != want {
			t.Fatalf("asked %d, want %d", to, want)
		}
		b.hear(to, &NeighborReply{Seq: m.Seq})
	}
	none[*Neighbor](b)
}
