package replica

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. The defaults are MerkleFlow's where it names one,
// ours otherwise.
type Config struct {
	// Interval is the mean time between the anti-entropy sessions that a node
	// begins; each time is drawn from half of it to one and a half, and halved
	// if sessions have changed something since the last.
	Interval quantity.Duration `toml:"interval" doc:"mean time between the anti-entropy sessions that a node begins; each is drawn from half to one and a half, and half of that while sessions change something"`
	// Sessions is how many sessions a node takes part in at once, on each
	// side.
	Sessions int `toml:"sessions" doc:"anti-entropy sessions that a node begins, and that it answers, at once"`
	// SessionTimeout is how long a session goes on without a message.
	SessionTimeout quantity.Duration `toml:"session_timeout" doc:"how long a session goes on without a message before it is given up"`
	// Compare says how a session finds what differs. All nodes need the same.
	Compare string `toml:"compare" doc:"how a session finds what differs: mst, by a walk of the other's Merkle Search Tree; to compare it with: merkle, by the leaves of a flat Merkle tree; full, everything is sent; the same at all nodes" enum:"mst,merkle,full"`
	// MerkleDepth is the depth of the flat Merkle tree. The default is
	// Cassandra's.
	MerkleDepth int `toml:"merkle_depth" doc:"the flat Merkle tree has two to this power leaves, of 16 bytes; the same at all nodes"`
	// SummaryLevels is of how many of the tree's levels pages are asked for as 8
	// bytes an entry first.
	SummaryLevels int `toml:"summary_levels" doc:"pages of this many levels, from the lowest, are asked for as 8 bytes an entry first: fewer bytes, one more round each"`
	// TreeBase is B of the Merkle Search Tree.
	TreeBase int `toml:"tree_base" doc:"base of the Merkle Search Tree's levels, a power of two; the same at all nodes"`
	// TreeSalt keeps those who choose keys from choosing their level; empty for
	// the paper's levels.
	TreeSalt string `toml:"tree_salt" doc:"secret of the cluster, 16 to 32 bytes, that levels of keys depend on, so that nobody can choose keys that fill one page of the tree; empty: none, for writers who are trusted; the same at all nodes"`

	// Push says which writes are broadcast.
	Push string `toml:"push" doc:"which writes are broadcast at once: hot, those of keys that are written often; all; none" enum:"hot,all,none"`
	// HotRate and ColdRate are the rates of writes from which a key is hot, and
	// below which it is cold again.
	HotRate  quantity.Rate `toml:"hot_rate" doc:"rate of writes from which a key is hot"`
	ColdRate quantity.Rate `toml:"cold_rate" doc:"rate of writes below which a hot key is cold again"`
	// HalfLife is after how long a write counts half.
	HalfLife quantity.Duration `toml:"half_life" doc:"after this time a write counts half for the rate of its key"`
	// TrackedKeys bounds the keys whose rate is known.
	TrackedKeys int `toml:"tracked_keys" doc:"number of keys whose rate of writes is known, the last ones written"`
	// PushMin and PushMax bound for how long hot writes are gathered.
	PushMin quantity.Duration `toml:"push_min" doc:"how long writes are gathered before they are broadcast, when they are few"`
	PushMax quantity.Duration `toml:"push_max" doc:"the same, when they are many"`
	// PushLimit is the largest delta that is broadcast, and the size of a
	// broadcast.
	PushLimit quantity.Size `toml:"push_limit" doc:"size of a broadcast; larger writes are left to anti-entropy"`
	// PushRate is what a node may broadcast in a second; beyond it, others are
	// told which keys changed and no more.
	PushRate quantity.Size `toml:"push_rate" doc:"bytes that a node broadcasts in a second; beyond that it broadcasts digests only"`
	// PeerRate is what a node sends one peer in a second in sessions.
	PeerRate quantity.Size `toml:"peer_rate" doc:"bytes that a node sends to one peer in a second in sessions"`

	// InitialKeys, InitialValue and InitialDivergence describe the data set that
	// nodes have on disk when they first start.
	InitialKeys       int            `toml:"initial_keys" doc:"number of keys that all nodes have at the beginning: k00000000, k00000001 and so on"`
	InitialValue      quantity.Size  `toml:"initial_value" doc:"size of the values of these keys"`
	InitialDivergence quantity.Share `toml:"initial_divergence" doc:"share of these keys of which each node has a later version of its own, chosen at random"`

	// TombstoneLife is how long a deletion is remembered at least.
	TombstoneLife quantity.Duration `toml:"tombstone_life" doc:"how long a deletion is remembered at least"`
	// ClockBound is how far ahead of a node's own clock a write may be.
	ClockBound quantity.Duration `toml:"clock_bound" doc:"writes whose time is further ahead of a node's own clock are refused"`
	// SyncInterval is how long writes of others may wait to be synced; own writes
	// do not wait.
	SyncInterval quantity.Duration `toml:"sync_interval" doc:"how long writes of others wait before they are synced; a node's own are synced before they are acknowledged"`
	// RootInterval is how often the root is reported if it changed; 0 for
	// never.
	RootInterval quantity.Duration `toml:"root_interval" doc:"how often the root is reported if it changed; 0s: never"`
}

// Default returns the defaults.
func Default() Config {
	return Config{
		Interval:       quantity.Duration(60 * time.Second),
		Sessions:       4,
		SessionTimeout: quantity.Duration(30 * time.Second),
		Compare:        compareMST,
		MerkleDepth:    15,
		SummaryLevels:  2,
		TreeBase:       mst.DefaultBase,

		Push:        "hot",
		HotRate:     quantity.Every(time.Second),
		ColdRate:    quantity.Every(5 * time.Second),
		HalfLife:    quantity.Duration(10 * time.Second),
		TrackedKeys: 1 << 16,
		PushMin:     quantity.Duration(50 * time.Millisecond),
		PushMax:     quantity.Duration(500 * time.Millisecond),
		PushLimit:   32 << 10,
		PushRate:    1 << 20,
		PeerRate:    16 << 20,

		InitialValue: 16,

		TombstoneLife: quantity.Duration(180 * time.Second),
		ClockBound:    quantity.Duration(10 * time.Second),
		SyncInterval:  quantity.Duration(time.Second),
		RootInterval:  quantity.Duration(time.Second),
	}
}

// Check returns an error that names the key of the first value that cannot be
// used.
func (c *Config) Check() error {
	durations := []struct {
		key       string
		v         quantity.Duration
		low, high time.Duration
	}{
		{"interval", c.Interval, 10 * time.Millisecond, 24 * time.Hour},
		{"session_timeout", c.SessionTimeout, 100 * time.Millisecond, time.Hour},
		{"half_life", c.HalfLife, time.Millisecond, time.Hour},
		{"push_min", c.PushMin, time.Millisecond, time.Minute},
		{"push_max", c.PushMax, c.PushMin.Std(), time.Minute},
		{"tombstone_life", c.TombstoneLife, 0, 365 * 24 * time.Hour},
		{"clock_bound", c.ClockBound, 0, 365 * 24 * time.Hour},
		{"sync_interval", c.SyncInterval, time.Millisecond, time.Hour},
		{"root_interval", c.RootInterval, 0, time.Hour},
	}
	for _, d := range durations {
		if d.v.Std() < d.low || d.v.Std() > d.high {
			return fmt.Errorf("%s: got %s, want %s to %s", d.key, d.v, quantity.Duration(d.low), quantity.Duration(d.high))
		}
	}
	sizes := []struct {
		key       string
		v         quantity.Size
		low, high quantity.Size
	}{
		{"push_limit", c.PushLimit, 1 << 10, maxPush},
		{"push_rate", c.PushRate, 1 << 10, 1 << 40},
		{"peer_rate", c.PeerRate, 1 << 10, 1 << 40},
	}
	for _, s := range sizes {
		if s.v < s.low || s.v > s.high {
			return fmt.Errorf("%s: got %s, want %s to %s", s.key, s.v, s.low, s.high)
		}
	}
	switch {
	case c.InitialKeys < 0 || c.InitialKeys > maxInitial:
		return fmt.Errorf("initial_keys: got %d, want 0 to %d", c.InitialKeys, maxInitial)
	case c.InitialValue < 0 || c.InitialValue > crdt.MaxValue:
		return fmt.Errorf("initial_value: got %s, want at most %s", c.InitialValue, quantity.Size(crdt.MaxValue))
	case c.InitialKeys == 0 && !c.InitialDivergence.IsZero():
		return fmt.Errorf("initial_divergence: got %s of no keys, want initial_keys as well", c.InitialDivergence)
	case c.Sessions < 1 || c.Sessions > 1024:
		return fmt.Errorf("sessions: got %d, want 1 to 1024", c.Sessions)
	case c.MerkleDepth < 1 || c.MerkleDepth > maxDepth:
		return fmt.Errorf("merkle_depth: got %d, want 1 to %d", c.MerkleDepth, maxDepth)
	case c.SummaryLevels < 0 || c.SummaryLevels > 64:
		return fmt.Errorf("summary_levels: got %d, want 0 to 64", c.SummaryLevels)
	case c.TrackedKeys < 1 || c.TrackedKeys > 1<<26:
		return fmt.Errorf("tracked_keys: got %d, want 1 to %d", c.TrackedKeys, 1<<26)
	case c.HotRate.Interval() <= 0 || c.ColdRate.Interval() <= 0:
		return fmt.Errorf("hot_rate, cold_rate: got %s and %s, want more than none", c.HotRate, c.ColdRate)
	case c.ColdRate.Interval() < c.HotRate.Interval():
		return fmt.Errorf("cold_rate: got %s, want at most hot_rate, %s", c.ColdRate, c.HotRate)
	}
	switch c.Push {
	case "hot", "all", "none":
	default:
		return fmt.Errorf("push: got %q, want hot, all or none", c.Push)
	}
	if c.Compare == compareMerkle && 1<<c.MerkleDepth > c.PeerRate {
		return fmt.Errorf("merkle_depth: got %d, want at most peer_rate, %s, at a byte for each leaf", c.MerkleDepth, c.PeerRate)
	}
	switch c.Compare {
	case compareMST, compareMerkle, compareFull:
	default:
		return fmt.Errorf("compare: got %q, want mst, merkle or full", c.Compare)
	}
	_, err := c.profile()
	return err
}

// profile is the tree's.
func (c *Config) profile() (*mst.Profile, error) {
	o := mst.Options{Base: c.TreeBase, DigestSize: digestSize, MaxKey: MaxKey, Salt: []byte(c.TreeSalt)}
	if c.TreeSalt == "" {
		// Whoever writes can choose keys that all belong into one page; that
		// must not keep replicas apart.
		o.MaxCount = mst.MaxMaxCount
	}
	p, err := mst.NewProfile(o)
	if err != nil {
		return nil, fmt.Errorf("tree_base, tree_salt: %w", err)
	}
	return p, nil
}

// collectInterval is how often it is looked which deletions are old enough.
func (c *Config) collectInterval() time.Duration { return max(c.TombstoneLife.Std()/4, time.Second) }
