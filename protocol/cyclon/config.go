package cyclon

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. "Cyclon" as a source means Voulgaris, Gavidia, van
// Steen 2005, "HyParView" the evaluation of Cyclon in Leitao, Pereira, Rodrigues
// 2007, "ours" what is settled here (see the package documentation).
type Config struct {
	// ViewSize is the largest number of entries of a view: c (Cyclon; 35 in
	// HyParView).
	ViewSize int `toml:"view_size" doc:"largest number of entries of a view (c)"`
	// ShuffleLength is the number of entries that travel each way in a shuffle:
	// l (Cyclon; 14 in HyParView).
	ShuffleLength int `toml:"shuffle_length" doc:"entries that travel each way in a shuffle, the sender's own included (l)"`
	// ShuffleInterval is the cycle: the time between two shuffles that a node
	// begins. The first is at a random time within it (Cyclon; the length is
	// ours).
	ShuffleInterval quantity.Duration `toml:"shuffle_interval" doc:"cycle: time between two shuffles that a node begins"`
	// JoinWalk is the number of steps of the random walks that introduce a
	// newcomer (Cyclon; 5 in HyParView).
	JoinWalk int `toml:"join_walk" doc:"steps of the random walks that introduce a newcomer"`
	// ReplyTimeout is how long the answer to a shuffle may take before the
	// partner counts as gone (ours).
	ReplyTimeout quantity.Duration `toml:"reply_timeout" doc:"how long a shuffle's partner may take to answer; less than shuffle_interval"`
	// Transport is what messages travel by: datagram (Cyclon), or stream, whose
	// break is noticed at once, as in "Cyclon with acks" (HyParView).
	Transport string `toml:"transport" doc:"datagram; stream: a break of the stream removes the peer at once" enum:"datagram,stream"`
	// RejoinInterval is the time until a node whose view is empty tries another
	// seed; doubles up to twelve times that (ours).
	RejoinInterval quantity.Duration `toml:"rejoin_interval" doc:"time until a node with an empty view tries a seed again; doubles up to 12 times that"`
}

const (
	transportDatagram = "datagram"
	transportStream   = "stream"
)

// Defaults returns the parameters of HyParView's evaluation of Cyclon.
func Defaults() Config {
	return Config{
		ViewSize:        35,
		ShuffleLength:   14,
		ShuffleInterval: quantity.Duration(10 * time.Second),
		JoinWalk:        5,
		ReplyTimeout:    quantity.Duration(2 * time.Second),
		Transport:       transportDatagram,
		RejoinInterval:  quantity.Duration(5 * time.Second),
	}
}

const (
	maxViewSize = 1000
	maxJoinWalk = 255
)

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
	for _, err := range []error{
		within("view_size", c.ViewSize, 1, maxViewSize),
		within("shuffle_length", c.ShuffleLength, 1, min(c.ViewSize, maxEntries)),
		positive("shuffle_interval", c.ShuffleInterval),
		within("join_walk", c.JoinWalk, 0, maxJoinWalk),
		positive("reply_timeout", c.ReplyTimeout),
		positive("rejoin_interval", c.RejoinInterval),
	} {
		if err != nil {
			return err
		}
	}
	if c.ReplyTimeout >= c.ShuffleInterval {
		return fmt.Errorf("reply_timeout: got %s, want less than shuffle_interval (%s)", c.ReplyTimeout, c.ShuffleInterval)
	}
	if c.Transport != transportDatagram && c.Transport != transportStream {
		return fmt.Errorf("transport: got %q, want %q or %q", c.Transport, transportDatagram, transportStream)
	}
	return nil
}
