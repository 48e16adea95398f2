package scenarios_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/scenarios"
	"github.com/starling-sim/starling/sim"
)

// Beacon is a protocol by which a test sees what becomes of messages, clocks and
// disks: every node sends a numbered datagram to each of its seeds every
// interval and reports what it hears.
const beacon = 200

const (
	beaconHeard protocol.EventKind = beacon<<8 | 1 + iota // Peer sent it; number, own clock
	beaconTold                                            // size of the value
	beaconTick                                            // own clock; 1 if the disk failed
	beaconPut                                             // hash of the key; size of the value; the key's number
	beaconGot                                             // hash of the key
)

// Commands of beacons.
const (
	beaconTell protocol.CommandKind = beacon<<8 | 1 + iota
	beaconWrite
	beaconRead
	beaconRefuse
)

type beaconConfig struct {
	Interval quantity.Duration `toml:"interval" doc:"time between two datagrams"`
}

type beaconMessage uint64

func (beaconMessage) Kind() protocol.MessageKind { return beacon<<8 | 1 }
func (beaconMessage) Size() int                  { return 8 }
func (m beaconMessage) Append(b []byte) []byte   { return binary.BigEndian.AppendUint64(b, uint64(m)) }

func decodeBeacon(b []byte) (protocol.Message, error) {
	if len(b) != 8 {
		return nil, fmt.Errorf("got %d bytes, want 8: %w", len(b), protocol.ErrMalformed)
	}
	return beaconMessage(binary.BigEndian.Uint64(b)), nil
}

type beaconNode struct {
	interval time.Duration
	number   uint64
}

func (n *beaconNode) Start(env protocol.Env) {
	env.After(n.interval, protocol.Timer{Kind: beacon<<8 | 1})
}

func (n *beaconNode) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	env.Emit(protocol.Event{Kind: beaconHeard, Peer: from, Args: [3]uint64{uint64(m.(beaconMessage)), uint64(env.Now())}})
}

func (n *beaconNode) Timer(env protocol.Env, t protocol.Timer) {
	env.After(n.interval, t)
	tick := protocol.Event{Kind: beaconTick, Args: [3]uint64{uint64(env.Now())}}
	batch := &protocol.Batch{}
	batch.Set([]byte("number"), []byte{byte(n.number)})
	if env.Store().Apply(batch) != nil {
		tick.Args[1] = 1
	}
	env.Emit(tick)
	n.number++
	for _, p := range env.Seeds() {
		if p.ID != env.ID() {
			_ = env.Send(p.ID, beaconMessage(n.number)) // 8 bytes fit
		}
	}
}

func (n *beaconNode) Command(env protocol.Env, c protocol.Command) error {
	switch c.Kind {
	case beaconTell:
		env.Emit(protocol.Event{Kind: beaconTold, Args: [3]uint64{uint64(len(c.Value))}})
	case beaconWrite:
		number, err := strconv.ParseUint(strings.TrimLeft(string(c.Key), "abcdefghijklmnopqrstuvwxyz"), 10, 64)
		if err != nil {
			return fmt.Errorf("key %q: %w", c.Key, err)
		}
		env.Emit(protocol.Event{Kind: beaconPut, Args: [3]uint64{hashOf(c.Key), uint64(len(c.Value)), number}})
	case beaconRead:
		env.Emit(protocol.Event{Kind: beaconGot, Args: [3]uint64{hashOf(c.Key)}})
	case beaconRefuse:
		return errors.New("refused")
	}
	return nil
}

func hashOf(key []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(key) // a hash takes all
	return h.Sum64()
}

func beaconSpec() protocol.Spec {
	return protocol.Spec{
		Name: "beacon", Number: beacon, Doc: "datagrams at an interval",
		NewConfig: func() any { return &beaconConfig{Interval: quantity.Duration(100 * time.Millisecond)} },
		NewBuilder: func(config any) protocol.Builder {
			interval := config.(*beaconConfig).Interval.Std()
			return func([]protocol.Protocol) (protocol.Protocol, error) { return &beaconNode{interval: interval}, nil }
		},
		Messages: []protocol.MessageSpec{{Kind: beacon<<8 | 1, Name: "beacon.message", Decode: decodeBeacon}},
		Timers:   []protocol.TimerSpec{{Kind: beacon<<8 | 1, Name: "beacon.tick"}},
		Events: []protocol.EventSpec{
			{Kind: beaconHeard, Name: "beacon.heard"},
			{Kind: beaconTold, Name: "beacon.told"},
			{Kind: beaconTick, Name: "beacon.tick"},
			{Kind: beaconPut, Name: "beacon.put"},
			{Kind: beaconGot, Name: "beacon.got"},
		},
		Commands: []protocol.CommandSpec{
			{Kind: beaconTell, Name: "beacon.tell"},
			{Kind: beaconWrite, Name: "beacon.write", Key: true},
			{Kind: beaconRead, Name: "beacon.read", Key: true},
			{Kind: beaconRefuse, Name: "beacon.refuse", Key: true},
		},
	}
}

// story is what a run told its observer.
type story struct {
	t        testing.TB
	scenario *scenarios.Scenario
	world    *sim.World
	faults   scenarios.NetworkFaults
	begun    map[int]scenarios.NetworkFault
	records  []protocol.Record
}

func (s *story) Observe(r protocol.Record) {
	s.records = append(s.records, r)
	if r.Event.Kind == protocol.EventNetworkChanged && r.Event.Args[1] == 1 {
		s.begun[int(r.Event.Args[0])] = s.faults.Begun(int(r.Event.Args[0]))
	}
}

// beaconEnvironment knows SWIM and beacons.
func beaconEnvironment(t interface{ Fatal(args ...any) }) scenarios.Environment {
	r, err := stack.NewRegistry(swim.Spec(), beaconSpec())
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.Environment{Registry: r}
}

// parse reads a scenario that may use beacons and SWIM.
func parse(t testing.TB, source string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("test.toml", []byte(source), beaconEnvironment(t))
	if err != nil {
		t.Fatalf("parse:\n%v", err)
	}
	return s
}

// play runs a scenario to its end.
func play(t testing.TB, source string) *story {
	t.Helper()
	return playScenario(t, parse(t, source), 1)
}

func playScenario(t testing.TB, scenario *scenarios.Scenario, workers int) *story {
	t.Helper()
	s := &story{t: t, scenario: scenario, begun: map[int]scenarios.NetworkFault{}}
	var err error
	s.world, err = scenario.World(scenarios.WorldOptions{Workers: workers, Observer: s, Faults: &s.faults})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.world.Run(context.Background(), scenario.Duration.Std()); err != nil {
		t.Fatal(err)
	}
	return s
}

// of returns the records of one kind.
func (s *story) of(kind protocol.EventKind) []protocol.Record {
	var out []protocol.Record
	for _, r := range s.records {
		if r.Event.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// heard returns the virtual times, in ns, at which messages from one node
// reached another.
func (s *story) heard(from, to int) []int64 {
	var times []int64
	for _, r := range s.of(beaconHeard) {
		if r.Event.Peer == s.world.ID(from) && r.Index == uint32(to) {
			times = append(times, r.Time)
		}
	}
	return times
}

// beacons is the beginning of most scenarios here: ten beacons, every 100 ms,
// 10 ms away from each other.
const beacons = `
name = "test"
duration = "10s"
stack = ["beacon"]
nodes = { count = 10 }
network = { latency = { model = "constant", delay = "10ms" } }
`
