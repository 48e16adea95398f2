package gossip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. "Demers" as a source means Demers et al., PODC 1987;
// "ours" means settled here (see the package documentation).
type Config struct {
	// Mode is how messages spread.
	Mode string `toml:"mode" doc:"how messages spread" enum:"push,pull,push-pull,rumor"`
	// Fanout is the number of random peers contacted each round.
	Fanout int `toml:"fanout" doc:"random peers contacted each round"`
	// RoundInterval is the time between two rounds, or cycles.
	RoundInterval quantity.Duration `toml:"round_interval" doc:"time between two rounds"`
	// RoundPhase is aligned, all nodes having their rounds at multiples of the
	// interval on their own clocks, the synchronous rounds of the papers; or
	// random, each node beginning somewhere in the interval.
	RoundPhase string `toml:"round_phase" doc:"aligned: rounds at multiples of the interval, as in the papers; random: nodes begin anywhere in it" enum:"aligned,random"`

	// ActiveRounds (push) is the number of rounds in which a message is sent; 0
	// for as long as it is cached.
	ActiveRounds int `toml:"active_rounds" doc:"push: rounds in which a message is sent; 0: as long as it is cached"`
	// Immediate (push) forwards a message once, when it comes for the first
	// time, and has no rounds: infect and forward (Eugster et al., IEEE Computer
	// 37(5), 2004).
	Immediate bool `toml:"immediate" doc:"push: forward once at the first receipt, without rounds"`

	// RumorDirection is who sends to whom in a contact (Demers 1.4).
	RumorDirection string `toml:"rumor_direction" doc:"rumor: who sends to whom in a contact" enum:"push,pull,push-pull"`
	// Stop (rumor) is counter: lose interest after k unnecessary contacts; or
	// coin: with probability 1/k at each (Demers 1.4).
	Stop string `toml:"stop" doc:"rumor: counter: lose interest after k unnecessary contacts; coin: with probability 1/k at each" enum:"counter,coin"`
	// K (rumor) is Demers' k.
	K int `toml:"k" doc:"rumor: unnecessary contacts (counter), or one over the probability (coin), to lose interest"`
	// Feedback (rumor): the receiver answers whether it knew; otherwise (blind)
	// every contact counts as unnecessary.
	Feedback bool `toml:"feedback" doc:"rumor: the receiver answers whether it knew; false: every contact counts as unnecessary"`
	// CounterReset (rumor) sets the counter back on a useful contact. Demers'
	// tables have it so.
	CounterReset bool `toml:"counter_reset" doc:"rumor: a useful contact sets the counter back"`
	// SameCycle (rumor, with aligned rounds) is what a further copy counts as
	// that comes in the cycle in which the message came first: useful, as the
	// cycle's contacts are simultaneous, or unnecessary. Demers' tables have
	// useful (found by simulation; the paper does not say).
	SameCycle string `toml:"same_cycle" doc:"rumor: a further copy in the cycle in which a message came counts as useful or unnecessary" enum:"useful,unnecessary"`

	// AnswerCount bounds the messages in answer to one digest (pull, push-pull) or to
	// one who asks for rumors (rumor, direction pull or push-pull).
	AnswerCount int `toml:"answer_count" doc:"messages sent at most in answer to one digest or request"`

	// HistoryCount, HistoryAge and HistoryOrigins bound the memory of what was
	// seen (see broadcast.HistoryLimits).
	HistoryCount   int               `toml:"history_count" doc:"number of messages that are remembered as seen"`
	HistoryAge     quantity.Duration `toml:"history_age" doc:"how long a message is remembered as seen"`
	HistoryOrigins int               `toml:"history_origins" doc:"number of origins of which is remembered up to where messages were forgotten"`
	// CacheCount, CacheBytes and CacheAge bound the messages that are kept to be
	// sent (see broadcast.CacheLimits).
	CacheCount int               `toml:"cache_count" doc:"number of messages that are kept to be sent"`
	CacheBytes quantity.Size     `toml:"cache_bytes" doc:"sum of the payloads that are kept to be sent"`
	CacheAge   quantity.Duration `toml:"cache_age" doc:"how long a message is kept to be sent; pulled ones are offered for half of it"`
}

// Default returns the defaults: push-pull, one peer a second.
func Default() Config {
	return Config{
		Mode:           "push-pull",
		Fanout:         1,
		RoundInterval:  quantity.Duration(time.Second),
		RoundPhase:     "random",
		RumorDirection: "push",
		Stop:           "counter",
		K:              3,
		Feedback:       true,
		CounterReset:   true,
		SameCycle:      "useful",
		AnswerCount:    256,
		HistoryCount:   1 << 16,
		HistoryAge:     quantity.Duration(10 * time.Minute),
		HistoryOrigins: 1024,
		CacheCount:     4096,
		CacheBytes:     16 << 20,
		CacheAge:       quantity.Duration(time.Minute),
	}
}

// Check returns an error that names the key of the first value that cannot be
// used.
func (c *Config) Check() error {
	within := func(key string, v, low, high int) error {
		if v < low || v > high {
			return fmt.Errorf("%s: got %d, want %d to %d", key, v, low, high)
		}
		return nil
	}
	oneOf := func(key, v string, allowed ...string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%s: got %q, want one of %q", key, v, strings.Join(allowed, ", "))
		}
		return nil
	}
	positive := func(key string, d quantity.Duration) error {
		if d <= 0 {
			return fmt.Errorf("%s: got %s, want more than 0s", key, d)
		}
		return nil
	}
	for _, err := range []error{
		oneOf("mode", c.Mode, "push", "pull", "push-pull", "rumor"),
		within("fanout", c.Fanout, 1, maxFanout),
		positive("round_interval", c.RoundInterval),
		oneOf("round_phase", c.RoundPhase, "aligned", "random"),
		within("active_rounds", c.ActiveRounds, 0, maxRounds),
		oneOf("rumor_direction", c.RumorDirection, "push", "pull", "push-pull"),
		oneOf("stop", c.Stop, "counter", "coin"),
		within("k", c.K, 1, maxRounds),
		oneOf("same_cycle", c.SameCycle, "useful", "unnecessary"),
		within("answer_count", c.AnswerCount, 1, maxCount),
		within("history_count", c.HistoryCount, 1, maxCount),
		positive("history_age", c.HistoryAge),
		within("history_origins", c.HistoryOrigins, 1, maxCount),
		within("cache_count", c.CacheCount, 1, maxCount),
		within("cache_bytes", int(min(c.CacheBytes, maxCacheBytes+1)), 1, maxCacheBytes),
		positive("cache_age", c.CacheAge),
	} {
		if err != nil {
			return err
		}
	}
	if c.Immediate && c.Mode != "push" {
		return fmt.Errorf("immediate: got true with mode %q, want mode \"push\"", c.Mode)
	}
	if c.CacheAge > c.HistoryAge {
		return fmt.Errorf("cache_age: got %s, want at most history_age (%s)", c.CacheAge, c.HistoryAge)
	}
	return nil
}

func (c *Config) history() broadcast.HistoryLimits {
	return broadcast.HistoryLimits{Count: c.HistoryCount, Age: c.HistoryAge.Std(), Origins: c.HistoryOrigins}
}

func (c *Config) cache() broadcast.CacheLimits {
	return broadcast.CacheLimits{Count: c.CacheCount, Bytes: int(c.CacheBytes), Age: c.CacheAge.Std()}
}

const (
	maxFanout     = 1000
	maxRounds     = 1 << 30
	maxCount      = 1 << 24
	maxCacheBytes = 1 << 30
)
