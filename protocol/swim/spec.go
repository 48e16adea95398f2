package swim

import (
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// Kinds of timers.
const (
	timerProbe protocol.TimerKind = Number<<8 + 1 + iota
	timerProbeTimeout
	timerRelayNack
	timerRelayEnd
	timerGossip
	timerPushPull
	timerSuspicion
	timerReconnect
	timerJoin
)

// Kinds of events.
const (
	EventAlive protocol.EventKind = Number<<8 + 1 + iota
	EventSuspect
	EventConfirmDead
	EventLeft
	EventRefute
	EventProbe
	EventHealth
	EventReap
	EventMetadata
)

// CommandSetMetadata replaces this node's metadata by the command's Value.
const CommandSetMetadata protocol.CommandKind = Number<<8 + 1

// How a probe ended: Args[0] of EventProbe.
const (
	ProbeFailed uint64 = iota
	ProbeDirect
	ProbeIndirect
	ProbeStream
)

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "swim",
		Number: Number,
		Doc:    "membership and failure detection: SWIM with Lifeguard",
		NewConfig: func() any {
			c := LAN()
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
			{Kind: kindPing, Name: "swim.ping", Decode: decodePing},
			{Kind: kindAck, Name: "swim.ack", Decode: decodeAck},
			{Kind: kindPingReq, Name: "swim.ping_req", Decode: decodePingReq},
			{Kind: kindNack, Name: "swim.nack", Decode: decodeNack},
			{Kind: kindGossip, Name: "swim.gossip", Decode: decodeGossip},
			{Kind: kindPushPull, Name: "swim.push_pull", Decode: decodePushPull},
			{Kind: kindStreamPing, Name: "swim.stream_ping", Decode: decodeStreamPing},
			{Kind: kindStreamAck, Name: "swim.stream_ack", Decode: decodeStreamAck},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerProbe, Name: "swim.probe"},
			{Kind: timerProbeTimeout, Name: "swim.probe_timeout"},
			{Kind: timerRelayNack, Name: "swim.relay_nack"},
			{Kind: timerRelayEnd, Name: "swim.relay_end"},
			{Kind: timerGossip, Name: "swim.gossip"},
			{Kind: timerPushPull, Name: "swim.push_pull"},
			{Kind: timerSuspicion, Name: "swim.suspicion"},
			{Kind: timerReconnect, Name: "swim.reconnect"},
			{Kind: timerJoin, Name: "swim.join"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventAlive, Name: "swim.alive", Doc: "a member became alive in this node's view", Args: []string{"incarnation", "previous_status"}},
			{Kind: EventSuspect, Name: "swim.suspect", Doc: "this node began to suspect a member", Args: []string{"incarnation", "accuser"}},
			{Kind: EventConfirmDead, Name: "swim.confirm_dead", Doc: "a member became dead in this node's view", Args: []string{"incarnation", "own_timeout", "accuser"}},
			{Kind: EventLeft, Name: "swim.left", Doc: "a member became left in this node's view", Args: []string{"incarnation"}},
			{Kind: EventRefute, Name: "swim.refute", Doc: "this node refuted an accusation", Args: []string{"incarnation", "accuser"}},
			{Kind: EventProbe, Name: "swim.probe", Doc: "a probe ended: 0 failed, 1 direct, 2 indirect, 3 stream", Args: []string{"outcome", "round_trip_ns"}},
			{Kind: EventHealth, Name: "swim.health", Doc: "this node's local health score changed", Args: []string{"score", "previous_score"}},
			{Kind: EventReap, Name: "swim.reap", Doc: "this node forgot a member that was dead or had left"},
			{Kind: EventMetadata, Name: "swim.metadata", Doc: "a member's metadata became known", Args: []string{"incarnation", "xxh3"}},
		},
		Commands: []protocol.CommandSpec{
			{Kind: CommandSetMetadata, Name: "swim.set_metadata", Doc: "replace this node's metadata by the value, at most 512 bytes"},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure swim: got %T, want *swim.Config", config)
	}
	return c, nil
}

// builder is what the nodes of one world share: none of it changes what they
// do.
type builder struct {
	cfg  Config
	pool *membertable.Pool
	seed seedTables
}

func newBuilder(config any) protocol.Builder {
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	b := &builder{cfg: *c, pool: membertable.NewPool(0)}
	b.seed.pool = b.pool
	return func([]protocol.Protocol) (protocol.Protocol, error) { return newNode(b), nil }
}

func metadataHash(metadata string) uint64 { return xxh3.HashString(metadata) }
