package plumtree

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. "Plumtree" as a source means Leitao, Pereira,
// Rodrigues, SRDS 2007; "ours" means settled here (see the package
// documentation).
type Config struct {
	// Trees is shared, one tree for all messages (Plumtree), or per_root, one
	// for each origin (Plumtree section 3.8 suggests it for several senders).
	Trees string `toml:"trees" doc:"shared: one tree for all messages; per_root: one for each origin" enum:"shared,per_root"`
	// Fanout is the number of peers over a sampler that is no overlay
	// (Plumtree: f).
	Fanout int `toml:"fanout" doc:"number of peers over a peer sampler that is no overlay"`
	// Transport is stream (Plumtree: TCP) or datagram. What does not fit a
	// datagram goes over a stream in any case.
	Transport string `toml:"transport" doc:"how messages travel; what does not fit a datagram goes over a stream in any case" enum:"stream,datagram"`
	// MaxHops is the number of hops beyond which a message is not pushed on,
	// eagerly or lazily; 0 for no limit (ours).
	MaxHops int `toml:"max_hops" doc:"hops beyond which a message is not passed on; 0: no limit"`

	// LazyInterval is for how long announcements are gathered before they
	// are sent; 0 sends each at once (Plumtree section 3.4: batches).
	LazyInterval quantity.Duration `toml:"lazy_interval" doc:"how long announcements (IHAVE) are gathered; 0s: each is sent at once"`
	// LazyQueue is the largest number of announcements that wait for a peer;
	// beyond it the oldest are shed (ours).
	LazyQueue int `toml:"lazy_queue" doc:"announcements that wait for a peer at most; the oldest are shed"`
	// GraftTimeout is how long after its first announcement a message is
	// waited for before it is asked for: timer 1 (Plumtree section 3.5). Half
	// as long to one and a half times, at random (ours).
	GraftTimeout quantity.Duration `toml:"graft_timeout" doc:"how long an announced message is waited for before it is asked for (timer 1), half as long to one and a half times at random"`
	// GraftRetry is how long an asked peer has before the next is asked: timer
	// 2 (Plumtree section 3.5), about a round trip.
	GraftRetry quantity.Duration `toml:"graft_retry" doc:"how long a peer that was asked has before the next is asked (timer 2)"`
	// GraftTries is how often each announcer is asked (ours; Plumtree once).
	GraftTries int `toml:"graft_tries" doc:"how often each announcer is asked"`
	// OptimiseThreshold is by how many hops an announced path must be shorter
	// than that of the payload to take its place in the tree; 0 for never
	// (Plumtree section 3.8; 7 in its experiments).
	OptimiseThreshold int `toml:"optimise_threshold" doc:"hops by which an announced path must be shorter to replace the one in the tree; 0: never"`
	// AnnounceRecent is how far back the messages reach that are announced to
	// a peer that has just come; 0 for none (ours; Plumtree none).
	AnnounceRecent quantity.Duration `toml:"announce_recent" doc:"a new peer is told of the messages of this time; 0s: of none"`

	// AnnounceAgain is how much later, at most, messages that went by datagram are
	// announced once more, to all peers: payloads and announcements may both be
	// lost; 0 for never (ours; Plumtree has TCP).
	AnnounceAgain quantity.Duration `toml:"announce_again" doc:"with transport datagram, messages are announced to all peers once more, up to so much later; 0s: never"`

	// MissingCount is the largest number of announced messages that are waited
	// for (ours).
	MissingCount int `toml:"missing_count" doc:"announced messages that are waited for at most"`
	// CacheCount, CacheBytes and CacheAge bound the payloads that are kept for
	// peers that ask for them (ours).
	CacheCount int               `toml:"cache_count" doc:"payloads that are kept at most"`
	CacheBytes quantity.Size     `toml:"cache_bytes" doc:"bytes of payloads that are kept at most"`
	CacheAge   quantity.Duration `toml:"cache_age" doc:"how long a payload is kept"`
	// HistoryCount, HistoryAge and HistoryOrigins bound the memory of what was
	// received (ours).
	HistoryCount   int               `toml:"history_count" doc:"messages that are remembered as received at most"`
	HistoryAge     quantity.Duration `toml:"history_age" doc:"how long a message is remembered as received"`
	HistoryOrigins int               `toml:"history_origins" doc:"origins whose forgotten messages are known to be old"`
	// MaxRoots is the largest number of trees if there is one for each root;
	// beyond it the one that was not used for longest is dropped (ours).
	MaxRoots int `toml:"max_roots" doc:"per_root: trees that are kept at most"`
}

// Default returns the defaults.
func Default() Config {
	return Config{
		Trees:             "shared",
		Fanout:            4,
		Transport:         "stream",
		LazyInterval:      quantity.Duration(50 * time.Millisecond),
		LazyQueue:         4096,
		GraftTimeout:      quantity.Duration(time.Second),
		GraftRetry:        quantity.Duration(500 * time.Millisecond),
		GraftTries:        3,
		OptimiseThreshold: 0,
		AnnounceRecent:    quantity.Duration(10 * time.Second),
		AnnounceAgain:     quantity.Duration(time.Second),
		MissingCount:      4096,
		CacheCount:        4096,
		CacheBytes:        16 << 20,
		CacheAge:          quantity.Duration(time.Minute),
		HistoryCount:      65536,
		HistoryAge:        quantity.Duration(10 * time.Minute),
		HistoryOrigins:    1024,
		MaxRoots:          256,
	}
}

// MaxPayload is the largest payload, in bytes.
const MaxPayload = 1 << 20

// Check returns what is wrong with the configuration; its error names the key.
func (c *Config) Check() error {
	for _, k := range []struct {
		key         string
		value       int64
		least, most int64
	}{
		{"fanout", int64(c.Fanout), 1, 1000},
		{"max_hops", int64(c.MaxHops), 0, 1 << 30},
		{"lazy_queue", int64(c.LazyQueue), 1, 1 << 24},
		{"graft_tries", int64(c.GraftTries), 1, 100},
		{"optimise_threshold", int64(c.OptimiseThreshold), 0, 1 << 30},
		{"missing_count", int64(c.MissingCount), 1, 1 << 24},
		{"cache_count", int64(c.CacheCount), 1, 1 << 24},
		{"cache_bytes", int64(c.CacheBytes), 1, 1 << 40},
		{"history_count", int64(c.HistoryCount), 1, 1 << 28},
		{"history_origins", int64(c.HistoryOrigins), 1, 1 << 20},
		{"max_roots", int64(c.MaxRoots), 1, 1 << 20},
	} {
		if k.value < k.least || k.value > k.most {
			return fmt.Errorf("%s: got %d, want %d to %d", k.key, k.value, k.least, k.most)
		}
	}
	for _, k := range []struct {
		key   string
		value quantity.Duration
		least quantity.Duration
	}{
		{"lazy_interval", c.LazyInterval, 0},
		{"graft_timeout", c.GraftTimeout, 1},
		{"graft_retry", c.GraftRetry, 1},
		{"announce_recent", c.AnnounceRecent, 0},
		{"announce_again", c.AnnounceAgain, 0},
		{"cache_age", c.CacheAge, 1},
		{"history_age", c.HistoryAge, 1},
	} {
		if k.value < k.least {
			return fmt.Errorf("%s: got %s, want at least %s", k.key, k.value, k.least)
		}
	}
	switch {
	case c.Trees != "shared" && c.Trees != "per_root":
		return fmt.Errorf("trees: got %q, want shared or per_root", c.Trees)
	case c.Transport != "stream" && c.Transport != "datagram":
		return fmt.Errorf("transport: got %q, want stream or datagram", c.Transport)
	case c.HistoryAge < c.CacheAge:
		// What is forgotten before its payload is could be delivered twice.
		return fmt.Errorf("history_age: got %s, want at least cache_age, %s", c.HistoryAge, c.CacheAge)
	case c.HistoryCount < c.CacheCount:
		return fmt.Errorf("history_count: got %d, want at least cache_count, %d", c.HistoryCount, c.CacheCount)
	}
	return nil
}
