package hyparview

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// Kinds of timers.
const (
	timerShuffle protocol.TimerKind = Number<<8 + 1 + iota
	timerRequest
	timerJoin
	timerKeepAlive
	timerDeferred
	timerReconnect
	timerOptimise
	timerSwap
)

// Kinds of events.
const (
	EventNeighborUp protocol.EventKind = Number<<8 + 1 + iota
	EventNeighborDown
	EventJoined
	EventIsolated
	EventRejoin
	EventRefused
	EventReconnect
	EventOptimised
)

// Cause says why a link ended: Args[0] of EventNeighborDown, and in a
// Disconnect.
type Cause uint8

// The causes.
const (
	// CauseEvicted: the view was full and somebody else could not be refused.
	CauseEvicted Cause = 1 + iota
	// CauseRotated: it was full and gave way to a link to what may be another
	// overlay.
	CauseRotated
	// CauseSwitched: X-BOT exchanged the link for another.
	CauseSwitched
	// CauseFull: the answer to a request came when the view was full by then.
	CauseFull
	// CauseNotNeighbor: the other side knows of no link.
	CauseNotNeighbor
	// CauseLeaving: the other side, or this node, leaves.
	CauseLeaving
	// CauseFailed: the neighbour failed, or held this node for failed.
	CauseFailed
)

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "hyparview",
		Number: Number,
		Doc:    "partial views: the HyParView overlay, with X-BOT",
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
			{Kind: kindJoin, Name: "hyparview.join", Decode: decodeJoin},
			{Kind: kindForwardJoin, Name: "hyparview.forward_join", Decode: decodeForwardJoin},
			{Kind: kindNeighbor, Name: "hyparview.neighbor", Decode: decodeNeighbor},
			{Kind: kindNeighborReply, Name: "hyparview.neighbor_reply", Decode: decodeNeighborReply},
			{Kind: kindDisconnect, Name: "hyparview.disconnect", Decode: decodeDisconnect},
			{Kind: kindShuffle, Name: "hyparview.shuffle", Decode: decodeShuffle},
			{Kind: kindShuffleReply, Name: "hyparview.shuffle_reply", Decode: decodeShuffleReply},
			{Kind: kindKeepAlive, Name: "hyparview.keep_alive", Decode: decodeKeepAlive},
			{Kind: kindKeepAliveReply, Name: "hyparview.keep_alive_reply", Decode: decodeKeepAliveReply},
			{Kind: kindPing, Name: "hyparview.ping", Decode: decodePing},
			{Kind: kindPong, Name: "hyparview.pong", Decode: decodePong},
			{Kind: kindOptimization, Name: "hyparview.optimization", Decode: decodeOptimization},
			{Kind: kindOptimizationReply, Name: "hyparview.optimization_reply", Decode: decodeOptimizationReply},
			{Kind: kindReplace, Name: "hyparview.replace", Decode: decodeReplace},
			{Kind: kindReplaceReply, Name: "hyparview.replace_reply", Decode: decodeReplaceReply},
			{Kind: kindSwitch, Name: "hyparview.switch", Decode: decodeSwitch},
			{Kind: kindSwitchReply, Name: "hyparview.switch_reply", Decode: decodeSwitchReply},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerShuffle, Name: "hyparview.shuffle"},
			{Kind: timerRequest, Name: "hyparview.request"},
			{Kind: timerJoin, Name: "hyparview.join"},
			{Kind: timerKeepAlive, Name: "hyparview.keep_alive"},
			{Kind: timerDeferred, Name: "hyparview.deferred"},
			{Kind: timerReconnect, Name: "hyparview.reconnect"},
			{Kind: timerOptimise, Name: "hyparview.optimise"},
			{Kind: timerSwap, Name: "hyparview.swap"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventNeighborUp, Name: "hyparview.neighbor_up", Doc: "a peer entered this node's active view", Args: []string{"degree"}, Role: protocol.RoleLinkUp},
			{Kind: EventNeighborDown, Name: "hyparview.neighbor_down", Doc: "a peer left this node's active view: 1 evicted, 2 rotated, 3 switched, 4 full, 5 not_neighbour, 6 leaving, 7 failed", Args: []string{"cause", "degree"}, Role: protocol.RoleLinkDown},
			{Kind: EventJoined, Name: "hyparview.joined", Doc: "this node has its first link"},
			{Kind: EventIsolated, Name: "hyparview.isolated", Doc: "this node has lost its last link", Args: []string{"cause"}},
			{Kind: EventRejoin, Name: "hyparview.rejoin", Doc: "this node asks a seed once more to take it in", Args: []string{"attempt"}},
			{Kind: EventRefused, Name: "hyparview.refused", Doc: "a request for a link was refused (0) or not answered (1)", Args: []string{"unanswered", "priority"}},
			{Kind: EventReconnect, Name: "hyparview.reconnect", Doc: "a failed neighbour or a seed was reached again and is a neighbour"},
			{Kind: EventOptimised, Name: "hyparview.optimised", Doc: "this node exchanged a neighbour for a closer one", Args: []string{"round_trip_ns", "previous_round_trip_ns"}},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure hyparview: got %T, want *hyparview.Config", config)
	}
	return c, nil
}

// builder is what the nodes of one world share.
type builder struct {
	cfg     Config
	streams bool
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	b := &builder{cfg: *c, streams: c.Transport == "stream"}
	return func(lower []protocol.Protocol) (protocol.Protocol, error) { return newNode(b, lower), nil }
}
