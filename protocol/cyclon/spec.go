package cyclon

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// Kinds of timers.
const (
	timerShuffle protocol.TimerKind = Number<<8 + 1 + iota
	timerReply
	timerJoin
)

// Kinds of events.
const (
	EventNeighborUp protocol.EventKind = Number<<8 + 1 + iota
	EventNeighborDown
	EventShuffleFailed
	EventJoin
)

// Why an entry left the view, or a shuffle failed: Args[0] of EventNeighborDown
// and of EventShuffleFailed.
const (
	// CausePartner: the oldest entry, taken out to shuffle with it.
	CausePartner uint64 = iota
	// CauseSwapped: given away in a shuffle for another entry.
	CauseSwapped
	// CauseNewcomer: given to a newcomer, which took its place.
	CauseNewcomer
	// CauseTimeout: the peer did not answer a shuffle.
	CauseTimeout
	// CauseBroken: the stream to the peer broke.
	CauseBroken
	// CauseMembership: the membership protocol below says that it is gone.
	CauseMembership
)

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "cyclon",
		Number: Number,
		Doc:    "peer sampling: Cyclon's enhanced shuffling of partial views",
		NewConfig: func() any {
			c := Defaults()
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
			{Kind: kindJoin, Name: "cyclon.join", Decode: decodeJoin},
			{Kind: kindJoinWalk, Name: "cyclon.join_walk", Decode: decodeJoinWalk},
			{Kind: kindJoinReply, Name: "cyclon.join_reply", Decode: decodeJoinReply},
			{Kind: kindShuffle, Name: "cyclon.shuffle", Decode: decodeShuffle},
			{Kind: kindShuffleReply, Name: "cyclon.shuffle_reply", Decode: decodeShuffleReply},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerShuffle, Name: "cyclon.shuffle"},
			{Kind: timerReply, Name: "cyclon.reply"},
			{Kind: timerJoin, Name: "cyclon.join"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventNeighborUp, Name: "cyclon.neighbor_up", Doc: "an entry came into this node's view", Args: []string{"age"}, Role: protocol.RoleLinkUp},
			{Kind: EventNeighborDown, Name: "cyclon.neighbor_down", Doc: "an entry left this node's view: 0 shuffle's partner, 1 swapped, 2 given to a newcomer, 3 no answer, 4 stream broken, 5 membership", Args: []string{"cause"}, Role: protocol.RoleLinkDown},
			{Kind: EventShuffleFailed, Name: "cyclon.shuffle_failed", Doc: "the partner of a shuffle is gone: 3 no answer, 4 stream broken, 5 membership", Args: []string{"cause"}},
			{Kind: EventJoin, Name: "cyclon.join", Doc: "this node, whose view is empty, asked a seed to introduce it"},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure cyclon: got %T, want *cyclon.Config", config)
	}
	return c, nil
}

// membership is what tells from below who failed. It is known by its count of
// members: an overlay below also reports changes, but a peer that dropped out
// of an overlay's view has not failed.
type membership interface {
	Members() int
	OnChange(f func(env protocol.Env, member protocol.NodeID, present bool))
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	cfg := *c
	return func(lower []protocol.Protocol) (protocol.Protocol, error) {
		n := &Node{cfg: &cfg}
		for _, p := range lower {
			if m, ok := p.(membership); ok {
				m.OnChange(n.memberChanged)
			}
		}
		return n, nil
	}
}
