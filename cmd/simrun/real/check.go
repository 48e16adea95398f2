package real

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios"
)

const (
	// MaxNodes is how many processes there may be.
	MaxNodes = 256
	// LongRun is the duration from which a run tries one's patience.
	LongRun = 10 * time.Minute

	// maxMTU is what plain transport carries: 1452 bytes of UDP payload, of
	// which 16 say from whom to whom.
	maxMTU = 1452 - 16
	// maxTimeout is the longest time-out that a node can be told.
	maxTimeout = 24 * time.Hour
)

// Check says what a scenario asks for that processes cannot do; the error is a
// *scenarios.Error. Nothing else can keep a scenario from being run but the
// machine.
func Check(s *scenarios.Scenario) error {
	c := &check{}
	c.nodes(s)
	c.network(s)
	for i := range s.Fault {
		c.fault(fmt.Sprintf("fault[%d]", i), &s.Fault[i])
	}
	if len(c.problems) > 0 {
		return &scenarios.Error{Problems: c.problems}
	}
	return s.Err()
}

type check struct{ problems []scenarios.Problem }

func (c *check) refuse(key, format string, args ...any) {
	c.problems = append(c.problems, scenarios.Problem{Key: key, Message: "with real processes: " + fmt.Sprintf(format, args...)})
}

func (c *check) nodes(s *scenarios.Scenario) {
	if n := s.Nodes.Count + s.Nodes.Spare; n > MaxNodes {
		c.refuse("nodes.count", "got %d, want at most %d, nodes.spare included: each is a process of this machine", n, MaxNodes)
	}
	if s.Nodes.Clock.Skew != 0 {
		c.refuse("nodes.clock.skew", "got %s, want 0s: they share the clock of this machine", s.Nodes.Clock.Skew)
	}
	if s.Nodes.Clock.DriftPPM != 0 {
		c.refuse("nodes.clock.drift_ppm", "got %d, want 0: they share the clock of this machine", s.Nodes.Clock.DriftPPM)
	}
	if s.Wire == "encode" {
		c.refuse("wire", "got %q, which is for virtual worlds: here every message goes through its bytes; leave it out", s.Wire)
	}
}

func (c *check) network(s *scenarios.Scenario) {
	n := s.Network
	if n.MTU > maxMTU {
		c.refuse("network.mtu", "got %s, want at most %s, what a datagram carries on loopback", n.MTU, quantity.Size(maxMTU))
	}
	if n.StreamTimeout <= 0 || n.StreamTimeout.Std() > maxTimeout {
		c.refuse("network.stream_timeout", "got %s, want more than 0s and at most %s", n.StreamTimeout, quantity.Duration(maxTimeout))
	}
	if n.StreamIdle.Std() > maxTimeout {
		c.refuse("network.stream_idle", "got %s, want at most %s", n.StreamIdle, quantity.Duration(maxTimeout))
	}
}

func (c *check) fault(path string, f *scenarios.Fault) {
	switch f.Kind {
	case "clock":
		c.refuse(path+".kind", "got %q: processes share the clock of this machine", f.Kind)
	case "disk":
		c.refuse(path+".kind", "got %q: nothing stands between a process and its disk", f.Kind)
	case "pause", "anomaly":
		if f.Model != "frozen" {
			c.refuse(path+".model", "got %q, want \"frozen\": a process can be stopped (SIGSTOP), and no more", f.Model)
		}
	}
}
