package swim

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. "LAN" as a source means the LAN profile of
// hashicorp/memberlist v0.7.0, "Lifeguard" means Dadgar, Phillips, Currey 2017,
// "SWIM" means Das, Gupta, Motivala 2002, "ours" means settled here (see the
// package documentation).
type Config struct {
	// ProbeInterval is the protocol period: the time between two probes (LAN).
	ProbeInterval quantity.Duration `toml:"probe_interval" doc:"protocol period: time between two probes"`
	// ProbeTimeout is how long a direct probe may take before others are asked
	// to probe as well (LAN).
	ProbeTimeout quantity.Duration `toml:"probe_timeout" doc:"how long a direct probe may take before others are asked to help"`
	// IndirectProbes is the number of members that are asked: k (LAN).
	IndirectProbes int `toml:"indirect_probes" doc:"number of members asked to probe indirectly (k)"`
	// ProbeOrder is round_robin (SWIM section 4.3) or random (SWIM section 3.1).
	ProbeOrder string `toml:"probe_order" doc:"round_robin: every member once a round; random: any member each time" enum:"round_robin,random"`
	// ProbePhase is random, each node beginning somewhere in the period, or
	// aligned, all nodes probing at multiples of the period on their own clocks,
	// the slotted model of SWIM's analysis. (Ours; memberlist means random.)
	ProbePhase string `toml:"probe_phase" doc:"random: nodes begin anywhere in the period; aligned: at multiples of it" enum:"random,aligned"`
	// StreamProbe makes a failing probe also try a stream (LAN).
	StreamProbe bool `toml:"stream_probe" doc:"try a stream beside the indirect probes"`

	// Suspicion lets a member that fails a probe refute it; without it the
	// member is declared dead at once (SWIM section 4.2 against 3.1).
	Suspicion bool `toml:"suspicion" doc:"suspect a member that fails a probe before declaring it dead"`
	// SuspicionMult scales the shortest suspicion time-out: alpha (LAN; 5 in
	// Lifeguard's evaluation).
	SuspicionMult int `toml:"suspicion_mult" doc:"shortest suspicion time-out in periods per log10 of the members (alpha)"`
	// SuspicionMaxMult is the longest suspicion time-out over the shortest:
	// beta (LAN, Lifeguard).
	SuspicionMaxMult int `toml:"suspicion_max_mult" doc:"longest suspicion time-out over the shortest (beta)"`
	// Confirmations switches LHA-Suspicion: time-outs begin at the longest and
	// shrink with each independent accuser. Off: always the shortest.
	Confirmations bool `toml:"confirmations" doc:"LHA-Suspicion: time-outs that shrink with independent accusers"`
	// LocalHealth switches LHA-Probe: period and time-out grow while this node
	// itself seems to be the trouble.
	LocalHealth bool `toml:"local_health" doc:"LHA-Probe: slow down while this node itself seems to be the trouble"`
	// AwarenessMax is the worst local health score (Lifeguard: S).
	AwarenessMax int `toml:"awareness_max" doc:"worst local health score; period and time-out grow to (it + 1) times"`
	// NackAfter is the share of the time that is left to it (the time-out, or
	// what remains of the period after it if that is less) after which one that
	// was asked to probe says that it has heard nothing (Lifeguard: 80 % of the
	// time-out, which is too late where the time-out is more than half of the
	// period, as in memberlist's WAN profile). 100 % imitates memberlist, whose nacks arrive after the end of the period, so that
	// every prober of a crashed member thinks worse of itself.
	NackAfter quantity.Share `toml:"nack_after" doc:"share of the probe time-out after which a helper reports that it heard nothing"`
	// Buddy makes a probe of a suspected member tell it of the suspicion
	// (Lifeguard).
	Buddy bool `toml:"buddy" doc:"a probe of a suspected member tells it of the suspicion"`
	// RefutationGrace is the share of the shortest suspicion time-out for which
	// a member must have been suspected here before somebody else's word that
	// it is dead is believed here (ours). 0 % believes at once, as memberlist
	// does, and does not ask a suspected member for a last word before its time
	// is over.
	RefutationGrace quantity.Share `toml:"refutation_grace" doc:"share of the shortest suspicion time-out that an accused has to refute before another's word of its death counts"`

	// RetransmitMult scales how often an update is passed on: lambda (LAN).
	RetransmitMult int `toml:"retransmit_mult" doc:"times an update is passed on, per digit of the number of members (lambda)"`
	// GossipInterval is the time between gossip messages; 0 leaves updates to
	// probes and their answers, as in SWIM (LAN).
	GossipInterval quantity.Duration `toml:"gossip_interval" doc:"time between gossip messages while there is news; 0s: only piggyback"`
	// GossipNodes is the number of members gossiped to each time (LAN).
	GossipNodes int `toml:"gossip_nodes" doc:"members gossiped to each time"`
	// GossipToDead is for how long after a death the dead is still gossiped to,
	// so that it can refute (LAN).
	GossipToDead quantity.Duration `toml:"gossip_to_dead" doc:"how long after its death a member is still gossiped to"`
	// PushPullInterval is the time between full exchanges with a random
	// member, for up to 32 members; it grows with log2 beyond (LAN). 0 for none.
	PushPullInterval quantity.Duration `toml:"push_pull_interval" doc:"time between full exchanges, up to 32 members; 0s: none"`
	// PushPullStart is the time until the next such exchange for a newcomer and
	// after many members came or went (a sixteenth); it doubles with each until it
	// is the interval again (ours: bursts of joins and healed partitions leave no
	// view incomplete). The same as PushPullInterval imitates memberlist.
	PushPullStart quantity.Duration `toml:"push_pull_start" doc:"time to the next exchange for a newcomer and after many members came or went; doubles until it is the interval"`

	// ReconnectInterval is how often a node tries to reach a member that it
	// holds for dead, if as many are dead as are alive, else in proportion less
	// often (Serf). 0 for never.
	ReconnectInterval quantity.Duration `toml:"reconnect_interval" doc:"time between attempts to reach a dead member; 0s: never"`
	// ReconnectTimeout is how long a dead member is remembered (Serf: 24 h).
	ReconnectTimeout quantity.Duration `toml:"reconnect_timeout" doc:"how long a dead member is remembered and tried"`
	// LeftTimeout is how long a member that left is remembered (ours: longer
	// than any news is on its way).
	LeftTimeout quantity.Duration `toml:"left_timeout" doc:"how long a member that left is remembered"`
	// LeaveDuration is how long a leaving node stays to spread the news (Serf:
	// leave_propagate_delay 1 s).
	LeaveDuration quantity.Duration `toml:"leave_duration" doc:"how long a leaving node stays to spread the news"`
	// JoinRetry is the time until a join that nobody answered is tried again;
	// doubles up to ReconnectInterval (ours).
	JoinRetry quantity.Duration `toml:"join_retry" doc:"time until an unanswered join is tried again; doubles up to 30s"`
	// Bootstrap is join, where seeds are asked for the members, or
	// seeds_are_members, where the seeds of a node that is one of them are the
	// members, known from the start (ours, for large worlds that begin
	// converged). A node that is not among its seeds asks them all the same.
	Bootstrap string `toml:"bootstrap" doc:"join: ask the seeds who is there; seeds_are_members: a node that is among its seeds knows all there is" enum:"join,seeds_are_members"`
}

// LAN returns the defaults: memberlist's LAN profile with Lifeguard complete
// and what was settled here.
func LAN() Config {
	return Config{
		ProbeInterval:     quantity.Duration(time.Second),
		ProbeTimeout:      quantity.Duration(500 * time.Millisecond),
		IndirectProbes:    3,
		ProbeOrder:        "round_robin",
		ProbePhase:        "random",
		StreamProbe:       true,
		Suspicion:         true,
		SuspicionMult:     4,
		SuspicionMaxMult:  6,
		Confirmations:     true,
		LocalHealth:       true,
		AwarenessMax:      8,
		NackAfter:         quantity.Percent(80),
		Buddy:             true,
		RefutationGrace:   quantity.Percent(50),
		RetransmitMult:    4,
		GossipInterval:    quantity.Duration(200 * time.Millisecond),
		GossipNodes:       3,
		GossipToDead:      quantity.Duration(30 * time.Second),
		PushPullInterval:  quantity.Duration(30 * time.Second),
		PushPullStart:     quantity.Duration(2 * time.Second),
		ReconnectInterval: quantity.Duration(30 * time.Second),
		ReconnectTimeout:  quantity.Duration(24 * time.Hour),
		LeftTimeout:       quantity.Duration(10 * time.Minute),
		LeaveDuration:     quantity.Duration(time.Second),
		JoinRetry:         quantity.Duration(time.Second),
		Bootstrap:         "join",
	}
}

// WAN returns memberlist's WAN profile on the same terms.
func WAN() Config {
	c := LAN()
	c.ProbeInterval = quantity.Duration(5 * time.Second)
	c.ProbeTimeout = quantity.Duration(3 * time.Second)
	c.SuspicionMult = 6
	c.GossipInterval = quantity.Duration(500 * time.Millisecond)
	c.GossipNodes = 4
	c.GossipToDead = quantity.Duration(time.Minute)
	c.PushPullInterval = quantity.Duration(time.Minute)
	return c
}

// Local returns memberlist's profile for one machine on the same terms.
func Local() Config {
	c := LAN()
	c.ProbeTimeout = quantity.Duration(200 * time.Millisecond)
	c.IndirectProbes = 1
	c.RetransmitMult = 2
	c.SuspicionMult = 3
	c.GossipInterval = quantity.Duration(100 * time.Millisecond)
	c.PushPullInterval = quantity.Duration(15 * time.Second)
	return c
}

// Check returns an error that names the key of the first value that cannot be
// used.
func (c *Config) Check() error {
	positive := func(key string, d quantity.Duration) error {
		if d <= 0 {
			return fmt.Errorf("%s: got %s, want more than 0s", key, d)
		}
		return nil
	}
	within := func(key string, v, low, high int) error {
		if v < low || v > high {
			return fmt.Errorf("%s: got %d, want %d to %d", key, v, low, high)
		}
		return nil
	}
	oneOf := func(key, v, a, b string) error {
		if v != a && v != b {
			return fmt.Errorf("%s: got %q, want %q or %q", key, v, a, b)
		}
		return nil
	}
	for _, err := range []error{
		positive("probe_interval", c.ProbeInterval),
		positive("probe_timeout", c.ProbeTimeout),
		within("indirect_probes", c.IndirectProbes, 0, maxIndirect),
		oneOf("probe_order", c.ProbeOrder, "round_robin", "random"),
		oneOf("probe_phase", c.ProbePhase, "random", "aligned"),
		within("suspicion_mult", c.SuspicionMult, 1, 1000),
		within("suspicion_max_mult", c.SuspicionMaxMult, 1, 1000),
		within("awareness_max", c.AwarenessMax, 0, 100),
		within("retransmit_mult", c.RetransmitMult, 1, maxRetransmitMult),
		within("gossip_nodes", c.GossipNodes, 0, 100),
		positive("reconnect_timeout", c.ReconnectTimeout),
		positive("left_timeout", c.LeftTimeout),
		positive("join_retry", c.JoinRetry),
		oneOf("bootstrap", c.Bootstrap, "join", "seeds_are_members"),
	} {
		if err != nil {
			return err
		}
	}
	if c.ProbeTimeout >= c.ProbeInterval {
		return fmt.Errorf("probe_timeout: got %s, want less than probe_interval (%s)", c.ProbeTimeout, c.ProbeInterval)
	}
	if c.PushPullInterval > 0 && (c.PushPullStart <= 0 || c.PushPullStart > c.PushPullInterval) {
		return fmt.Errorf("push_pull_start: got %s, want more than 0s and at most push_pull_interval (%s)", c.PushPullStart, c.PushPullInterval)
	}
	return nil
}

const (
	maxIndirect       = 64
	maxRetransmitMult = 100
)
