package hyparview

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
)

// Config holds every knob. "Paper" as a source means the parameters of section
// 5.1 of HyParView, "X-BOT" those of X-BOT, "ours" means settled here (see the
// package documentation).
type Config struct {
	// ActiveSize is the size of the active view, the node's degree in the
	// overlay: fanout + 1 (paper).
	ActiveSize int `toml:"active_size" doc:"size of the active view: links to other nodes"`
	// PassiveSize is the size of the passive view (paper).
	PassiveSize int `toml:"passive_size" doc:"size of the passive view: nodes known as a reserve"`
	// ActiveWalk is the length of a ForwardJoin's random walk: ARWL (paper).
	ActiveWalk int `toml:"active_walk" doc:"hops of a ForwardJoin until it ends in an active view (ARWL)"`
	// PassiveWalk is the number of hops that are left to a ForwardJoin where the
	// newcomer goes into a passive view: PRWL (paper).
	PassiveWalk int `toml:"passive_walk" doc:"hops that are left to a ForwardJoin where the newcomer enters a passive view (PRWL)"`
	// JoinPause is the time within which a full contact gives up a link for one
	// newcomer only; the others get their links from the ends of their walks
	// (ours). 0 takes in everybody, as the paper does.
	JoinPause quantity.Duration `toml:"join_pause" doc:"time within which a full contact takes in one newcomer itself and sends on the others; 0s: takes in all"`
	// ShuffleInterval is the paper's cycle: the time between two shuffles of a
	// node, the first of which is anywhere in the interval.
	ShuffleInterval quantity.Duration `toml:"shuffle_interval" doc:"time between two shuffles of a node; the first is anywhere in it"`
	// ShuffleWalk is the length of a shuffle's random walk.
	ShuffleWalk int `toml:"shuffle_walk" doc:"hops of a shuffle"`
	// ShuffleActive is the number of neighbours that a shuffle names: ka (paper).
	ShuffleActive int `toml:"shuffle_active" doc:"nodes of the active view in a shuffle (ka)"`
	// ShufflePassive is the number of passive nodes that it names: kp (paper).
	ShufflePassive int `toml:"shuffle_passive" doc:"nodes of the passive view in a shuffle (kp)"`

	// KeepAliveInterval is the time between two looks at the links: a neighbour
	// that was not heard of since is sent a KeepAlive (ours). 0 for none: with
	// datagrams, and nothing below that tells, no failure is noticed then.
	KeepAliveInterval quantity.Duration `toml:"keep_alive_interval" doc:"time after which a silent neighbour is sent a keep-alive; 0s: none"`
	// KeepAliveMisses is the number of unanswered KeepAlives after which a
	// neighbour has failed (ours).
	KeepAliveMisses int `toml:"keep_alive_misses" doc:"unanswered keep-alives after which a neighbour has failed"`
	// ReplyTimeout is how long an answer to Neighbor or Join may take (ours).
	ReplyTimeout quantity.Duration `toml:"reply_timeout" doc:"how long an answer to a request for a link may take"`
	// Transport is how messages on links travel: stream, where a break is news
	// of a failure as with the paper's TCP, or datagram, where failures show by
	// keep-alives only.
	Transport string `toml:"transport" doc:"stream: links are streams, a break is a failure; datagram: keep-alives show failures" enum:"stream,datagram"`
	// PurgeBeforeAnswer makes a full node that is asked for a link with low
	// priority test its own links first: it accepts if one turns out broken
	// before half of the reply time-out is over (ours; it decides how an overlay
	// survives the failure of almost everybody).
	PurgeBeforeAnswer bool `toml:"purge_before_answer" doc:"a full node tests its links before it refuses a request of low priority"`

	// RejoinInterval is the time until a join that nobody answered is tried
	// again, jittered; it doubles up to eight times itself (ours).
	RejoinInterval quantity.Duration `toml:"rejoin_interval" doc:"time until an isolated node asks a seed again; doubles up to 8 times, jittered"`
	// ReconnectInterval is the time between two attempts to reach a neighbour
	// that failed, or a seed, jittered (ours; as in Serf). 0 for never.
	ReconnectInterval quantity.Duration `toml:"reconnect_interval" doc:"time between attempts to reach a failed neighbour or a seed, jittered; 0s: never"`
	// ReconnectTimeout is how long a failed neighbour is remembered (ours).
	ReconnectTimeout quantity.Duration `toml:"reconnect_timeout" doc:"how long a failed neighbour is remembered and tried"`

	// Optimise switches X-BOT: links of long round-trip time are exchanged for
	// shorter ones.
	Optimise bool `toml:"optimise" doc:"X-BOT: exchange links for some of lower round-trip time"`
	// OptimiseInterval is the time between two attempts (X-BOT).
	OptimiseInterval quantity.Duration `toml:"optimise_interval" doc:"time between two attempts to exchange a link"`
	// Unbiased is the number of links, the oldest ones, that are left as they
	// are (X-BOT).
	Unbiased int `toml:"unbiased" doc:"oldest links, which are never exchanged"`
	// PassiveScan is the number of passive nodes that are measured each time
	// (X-BOT: passive scan length).
	PassiveScan int `toml:"passive_scan" doc:"passive nodes measured at each attempt"`
	// OptimiseThreshold is the round-trip time by which the new link must be
	// shorter than the old one (X-BOT).
	OptimiseThreshold quantity.Duration `toml:"optimise_threshold" doc:"round-trip time that an exchange must gain"`
}

// Default returns the paper's parameters and, where it has none, ours.
func Default() Config {
	return Config{
		ActiveSize:        5,
		PassiveSize:       30,
		ActiveWalk:        6,
		PassiveWalk:       3,
		JoinPause:         quantity.Duration(time.Second),
		ShuffleInterval:   quantity.Duration(10 * time.Second),
		ShuffleWalk:       6,
		ShuffleActive:     3,
		ShufflePassive:    4,
		KeepAliveInterval: quantity.Duration(5 * time.Second),
		KeepAliveMisses:   3,
		ReplyTimeout:      quantity.Duration(2 * time.Second),
		Transport:         "stream",
		RejoinInterval:    quantity.Duration(5 * time.Second),
		ReconnectInterval: quantity.Duration(30 * time.Second),
		ReconnectTimeout:  quantity.Duration(time.Hour),
		OptimiseInterval:  quantity.Duration(10 * time.Second),
		Unbiased:          1,
		PassiveScan:       2,
		OptimiseThreshold: quantity.Duration(5 * time.Millisecond),
	}
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
	for _, err := range []error{
		within("active_size", c.ActiveSize, 2, maxView),
		within("passive_size", c.PassiveSize, 1, maxView),
		within("active_walk", c.ActiveWalk, 1, maxWalk),
		within("passive_walk", c.PassiveWalk, 0, c.ActiveWalk),
		positive("shuffle_interval", c.ShuffleInterval),
		within("shuffle_walk", c.ShuffleWalk, 1, maxWalk),
		within("shuffle_active", c.ShuffleActive, 0, maxShuffle/2),
		within("shuffle_passive", c.ShufflePassive, 0, maxShuffle/2),
		within("keep_alive_misses", c.KeepAliveMisses, 1, 100),
		positive("reply_timeout", c.ReplyTimeout),
		positive("rejoin_interval", c.RejoinInterval),
		positive("reconnect_timeout", c.ReconnectTimeout),
		positive("optimise_interval", c.OptimiseInterval),
		within("unbiased", c.Unbiased, 0, maxView),
		within("passive_scan", c.PassiveScan, 1, 100),
	} {
		if err != nil {
			return err
		}
	}
	if c.Transport != "stream" && c.Transport != "datagram" {
		return fmt.Errorf("transport: got %q, want \"stream\" or \"datagram\"", c.Transport)
	}
	if c.Optimise && c.KeepAliveInterval == 0 {
		return fmt.Errorf("optimise: got true, want false where keep_alive_interval is 0s: the round-trip times come from keep-alives")
	}
	return nil
}

const (
	maxView    = 1000
	maxWalk    = 100
	maxShuffle = 128
)
