package flood

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. The defaults are ours; over HyParView they are the
// flooding of its paper (Leitão, Pereira, Rodrigues, DSN 2007, section 5).
type Config struct {
	// Fanout is the number of peers that a node picks where the protocol below
	// is a bare sampler. Over an overlay the links are the overlay's.
	Fanout int `toml:"fanout" doc:"number of peers picked from a bare sampler; an overlay brings its own links"`
	// Transport is stream or datagram. What does not fit a datagram goes over
	// the stream all the same.
	Transport string `toml:"transport" doc:"stream: reliable; datagram: what does not fit one goes over the stream" enum:"stream,datagram"`
	// MaxHops is the number of links after which a message is not passed on; 0
	// for no limit.
	MaxHops int `toml:"max_hops" doc:"links after which a message is not passed on; 0: no limit"`
	// Resend is how far back the messages reach that are sent over a link that
	// has just come: as if a failure were noticed, and its successor found,
	// while the message is being sent, which is how the HyParView paper's
	// simulator has it. 0 for none.
	Resend quantity.Duration `toml:"resend" doc:"a new link is sent the messages of this time; 0s: none"`
	// HistoryCount, HistoryAge and HistoryOrigins bound the memory of what was
	// seen (see broadcast.HistoryLimits).
	HistoryCount   int               `toml:"history_count" doc:"number of messages that are remembered as seen"`
	HistoryAge     quantity.Duration `toml:"history_age" doc:"how long a message is remembered as seen"`
	HistoryOrigins int               `toml:"history_origins" doc:"number of origins of which is remembered up to where messages were forgotten"`
}

// Default returns the defaults.
func Default() Config {
	return Config{
		Fanout:         4,
		Transport:      "stream",
		HistoryCount:   1 << 16,
		HistoryAge:     quantity.Duration(10 * time.Minute),
		HistoryOrigins: 1024,
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
	for _, err := range []error{
		within("fanout", c.Fanout, 1, maxFanout),
		within("max_hops", c.MaxHops, 0, maxHops),
		within("history_count", c.HistoryCount, 1, maxCount),
		within("history_origins", c.HistoryOrigins, 1, maxCount),
	} {
		if err != nil {
			return err
		}
	}
	if c.Resend < 0 || c.Resend > c.HistoryAge {
		return fmt.Errorf("resend: got %s, want 0s to history_age (%s)", c.Resend, c.HistoryAge)
	}
	if c.Transport != "stream" && c.Transport != "datagram" {
		return fmt.Errorf("transport: got %q, want \"stream\" or \"datagram\"", c.Transport)
	}
	if c.HistoryAge <= 0 {
		return fmt.Errorf("history_age: got %s, want more than 0s", c.HistoryAge)
	}
	return nil
}

func (c *Config) history() broadcast.HistoryLimits {
	return broadcast.HistoryLimits{Count: c.HistoryCount, Age: c.HistoryAge.Std(), Origins: c.HistoryOrigins}
}

const (
	maxFanout = 1000
	maxHops   = 1 << 30
	maxCount  = 1 << 24
)
