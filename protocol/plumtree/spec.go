package plumtree

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// Kinds of timers.
const (
	timerFlush protocol.TimerKind = Number<<8 + 1 + iota
	timerMissing
	timerLinks
	timerAgain
)

// Kinds of events.
const (
	EventBroadcast protocol.EventKind = Number<<8 + 1 + iota
	EventDeliver
	EventDuplicate
	EventGraft
	EventPrune
	EventGiveUp
	EventShed
)

// CommandBroadcast broadcasts the command's Value.
const CommandBroadcast protocol.CommandKind = Number<<8 + 1

// Why this node grafted a link: Args[1] of EventGraft.
const (
	GraftMissing   uint64 = iota // a message that was announced did not come
	GraftOptimised               // the announced path was shorter
	GraftClaimed                 // the other side pruned it, though a message came first by it just now
)

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "plumtree",
		Number: Number,
		Doc:    "broadcast trees over a peer sampler: eager push, lazy push and repair",
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
			{Kind: kindGossip, Name: "plumtree.gossip", Decode: decodeGossip, Payload: true},
			{Kind: kindIHave, Name: "plumtree.ihave", Decode: decodeIHave},
			{Kind: kindGraft, Name: "plumtree.graft", Decode: decodeGraft},
			{Kind: kindPrune, Name: "plumtree.prune", Decode: decodePrune},
			{Kind: kindUnlink, Name: "plumtree.unlink", Decode: decodeUnlink},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerFlush, Name: "plumtree.flush"},
			{Kind: timerMissing, Name: "plumtree.missing"},
			{Kind: timerLinks, Name: "plumtree.links"},
			{Kind: timerAgain, Name: "plumtree.again"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventBroadcast, Name: "plumtree.broadcast", Doc: "the application broadcast a message", Args: []string{"message", "bytes"}, Role: protocol.RoleBroadcast},
			{Kind: EventDeliver, Name: "plumtree.deliver", Doc: "a message reached the application", Args: []string{"message", "hops"}, Role: protocol.RoleDeliver},
			{Kind: EventDuplicate, Name: "plumtree.duplicate", Doc: "the payload of a known message came again", Args: []string{"message", "hops"}, Role: protocol.RoleDuplicate},
			{Kind: EventGraft, Name: "plumtree.graft", Doc: "this node made the link to a peer a branch: 0 for a missing message, 1 for a shorter path, 2 claimed back", Args: []string{"message", "reason"}},
			{Kind: EventPrune, Name: "plumtree.prune", Doc: "this node took the link to a peer out of the tree", Args: []string{"message"}},
			{Kind: EventGiveUp, Name: "plumtree.give_up", Doc: "no announcer of a message sent it", Args: []string{"message"}},
			{Kind: EventShed, Name: "plumtree.shed", Doc: "announcements for a peer were dropped, its queue being full", Args: []string{"count"}},
		},
		Commands: []protocol.CommandSpec{
			{Kind: CommandBroadcast, Name: "plumtree.broadcast", Doc: "broadcast the value, at most 1 MiB"},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure plumtree: got %T, want *plumtree.Config", config)
	}
	return c, nil
}

// shared is what the nodes of one world share.
type shared struct {
	cfg     Config
	history broadcast.HistoryLimits
	cache   broadcast.CacheLimits
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	s := &shared{
		cfg:     *c,
		history: broadcast.HistoryLimits{Count: c.HistoryCount, Age: c.HistoryAge.Std(), Origins: c.HistoryOrigins},
		cache:   broadcast.CacheLimits{Count: c.CacheCount, Bytes: int(c.CacheBytes), Age: c.CacheAge.Std()},
	}
	return func(lower []protocol.Protocol) (protocol.Protocol, error) { return newNode(s, lower) }
}
