package gossip

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// timerRound begins a round.
const timerRound protocol.TimerKind = Number<<8 + 1

// Kinds of events.
const (
	EventBroadcast protocol.EventKind = Number<<8 + 1 + iota
	EventDeliver
	EventDuplicate
	EventInterestLost
)

// CommandBroadcast broadcasts the command's Value.
const CommandBroadcast protocol.CommandKind = Number<<8 + 1

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "gossip",
		Number: Number,
		Doc:    "broadcast by random gossip: push, pull, push-pull, rumor mongering",
		NewConfig: func() any {
			c := Default()
			return &c
		},
		Check: func(config any) error {
			c, err := asConfig(config)
			if err != nil {
				return err
			}
			return c.Check()
		},
		NewBuilder: newBuilder,
		Messages: []protocol.MessageSpec{
			{Kind: kindData, Name: "gossip.data", Decode: decodeData, Payload: true},
			{Kind: kindDigest, Name: "gossip.digest", Decode: decodeDigest},
			{Kind: kindRequest, Name: "gossip.request", Decode: decodeRequest},
			{Kind: kindAsk, Name: "gossip.ask", Decode: decodeAsk},
			{Kind: kindFeedback, Name: "gossip.feedback", Decode: decodeFeedback},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerRound, Name: "gossip.round"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventBroadcast, Name: "gossip.broadcast", Doc: "this node broadcast a message", Args: []string{"key", "bytes"}, Role: protocol.RoleBroadcast},
			{Kind: EventDeliver, Name: "gossip.deliver", Doc: "a message came for the first time", Args: []string{"key", "hops"}, Role: protocol.RoleDeliver},
			{Kind: EventDuplicate, Name: "gossip.duplicate", Doc: "a message came again", Args: []string{"key", "hops"}, Role: protocol.RoleDuplicate},
			{Kind: EventInterestLost, Name: "gossip.interest_lost", Doc: "this node stops sending a message (push, rumor)", Args: []string{"key", "contacts"}},
		},
		Commands: []protocol.CommandSpec{
			{Kind: CommandBroadcast, Name: "gossip.broadcast", Doc: "broadcast the value"},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure gossip: got %T, want *gossip.Config", config)
	}
	return c, nil
}

// shared is what the nodes of one world share. It does not change.
type shared struct {
	cfg     Config
	history broadcast.HistoryLimits
	cache   broadcast.CacheLimits

	// pushes: what is hot is sent each round; asks: peers are asked each round
	// for what they have, by a digest where digests is set.
	pushes, asks, digests bool
	// offered is how long a message is offered to those who ask, in
	// nanoseconds.
	offered int64
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	s := &shared{cfg: *c, history: c.history(), cache: c.cache(), offered: int64(c.CacheAge)}
	switch c.Mode {
	case "push":
		s.pushes = true
	case "pull", "push-pull":
		s.asks, s.digests = true, true
		s.offered /= 2
	case "rumor":
		s.pushes = c.RumorDirection != "pull"
		s.asks = c.RumorDirection != "push"
	}
	return func(lower []protocol.Protocol) (protocol.Protocol, error) { return newNode(s, lower) }
}
