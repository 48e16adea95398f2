package flood

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// timerLinks: peers are missing.
const timerLinks protocol.TimerKind = Number<<8 + 1

// Kinds of events.
const (
	EventBroadcast protocol.EventKind = Number<<8 + 1 + iota
	EventDeliver
	EventDuplicate
)

// CommandBroadcast broadcasts the command's Value.
const CommandBroadcast protocol.CommandKind = Number<<8 + 1

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "flood",
		Number: Number,
		Doc:    "broadcast by flooding: every message over every link",
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
			{Kind: kindData, Name: "flood.data", Decode: decodeData, Payload: true},
			{Kind: kindLink, Name: "flood.link", Decode: decodeLink},
			{Kind: kindUnlink, Name: "flood.unlink", Decode: decodeUnlink},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerLinks, Name: "flood.links"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventBroadcast, Name: "flood.broadcast", Doc: "this node broadcast a message", Args: []string{"key", "bytes"}, Role: protocol.RoleBroadcast},
			{Kind: EventDeliver, Name: "flood.deliver", Doc: "a message came for the first time", Args: []string{"key", "hops"}, Role: protocol.RoleDeliver},
			{Kind: EventDuplicate, Name: "flood.duplicate", Doc: "a message came again", Args: []string{"key", "hops"}, Role: protocol.RoleDuplicate},
		},
		Commands: []protocol.CommandSpec{
			{Kind: CommandBroadcast, Name: "flood.broadcast", Doc: "broadcast the value"},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure flood: got %T, want *flood.Config", config)
	}
	return c, nil
}

// shared is what the nodes of one world share. It does not change.
type shared struct {
	cfg     Config
	history broadcast.HistoryLimits
	recent  broadcast.CacheLimits
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	s := &shared{cfg: *c, history: c.history(), recent: broadcast.CacheLimits{Count: recentCount, Bytes: recentBytes, Age: c.Resend.Std()}}
	return func(lower []protocol.Protocol) (protocol.Protocol, error) { return newNode(s, lower) }
}
