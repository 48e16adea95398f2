package replica

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/mst"
)

// Number is the protocol's number.
const Number = 7

// Bounds that all nodes agree on.
const (
	// MaxKey is the length of the longest key, in bytes.
	MaxKey = 1024

	digestSize = 16
	maxPush    = 512 << 10 // with its frame and the broadcast's, it fits one
)

// Kinds of timers.
const (
	timerSession protocol.TimerKind = Number<<8 + 1 + iota
	timerIdle
	timerPush
	timerSync
	timerRoot
	timerCollect
	timerPace
	timerRecover
)

// Kinds of events.
const (
	EventWrite protocol.EventKind = Number<<8 + 1 + iota
	EventApply
	EventRead
	EventRoot
	EventSessionBegin
	EventSessionEnd
	EventSessionBroken
	EventRefused
	EventConflict
	EventHot
	EventCold
	EventPush
	EventSummary
	EventCollect
	EventVanish
	EventRename
	EventUnreadable
	EventMismatch
)

// Why a session ended early: Args[0] of EventSessionBroken.
const (
	BrokenBusy       uint64 = iota // the peer takes part in too many
	BrokenStream                   // the stream to the peer broke
	BrokenSilence                  // no message for session_timeout
	BrokenMalformed                // a message was not what it should be
	BrokenProfile                  // the peer compares contents in another way
	BrokenStore                    // the disk failed
	BrokenIncomplete               // some entries were refused or could not be stored; the others are merged
)

// Why something that came from outside was refused: Args[0] of EventRefused.
const (
	RefusedMalformed uint64 = iota // it cannot be read
	RefusedKind                    // a value of a type that is not known
	RefusedClock                   // it is from too far in the future
	RefusedKey                     // a key that is empty or too long
	RefusedLarge                   // a value beyond 1 MiB, or an entry beyond 4 MiB
)

// Kinds of commands.
const (
	CommandPut protocol.CommandKind = Number<<8 + 1 + iota
	CommandDelete
	CommandGet
	CommandIncrement
	CommandAdd
	CommandRemove
)

// Spec describes the protocol.
func Spec() protocol.Spec {
	return protocol.Spec{
		Name:   "replica",
		Number: Number,
		Doc:    "replicated map of CRDTs: hot keys are pushed, cold keys pulled by Merkle Search Trees",
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
		Initial:    initial,
		Messages: []protocol.MessageSpec{
			{Kind: kindOpen, Name: "replica.open", Decode: decodeOpen},
			{Kind: kindAccept, Name: "replica.accept", Decode: decodeAccept},
			{Kind: kindAsk, Name: "replica.ask", Decode: decodeAsk},
			{Kind: kindPages, Name: "replica.pages", Decode: decodePages},
			{Kind: kindFetch, Name: "replica.fetch", Decode: decodeFetch},
			{Kind: kindEntries, Name: "replica.entries", Decode: decodeEntries, Payload: true},
			{Kind: kindDrop, Name: "replica.drop", Decode: decodeDrop},
			{Kind: kindCommit, Name: "replica.commit", Decode: decodeCommit},
			{Kind: kindDone, Name: "replica.done", Decode: decodeDone},
			{Kind: kindAbort, Name: "replica.abort", Decode: decodeAbort},
			{Kind: kindLeaves, Name: "replica.leaves", Decode: decodeLeaves},
			{Kind: kindBuckets, Name: "replica.buckets", Decode: decodeBuckets},
			{Kind: kindLast, Name: "replica.last", Decode: decodeLast},
		},
		Timers: []protocol.TimerSpec{
			{Kind: timerSession, Name: "replica.session"},
			{Kind: timerIdle, Name: "replica.idle"},
			{Kind: timerPush, Name: "replica.push"},
			{Kind: timerSync, Name: "replica.sync"},
			{Kind: timerRoot, Name: "replica.root"},
			{Kind: timerCollect, Name: "replica.collect"},
			{Kind: timerPace, Name: "replica.pace"},
			{Kind: timerRecover, Name: "replica.recover"},
		},
		Events: []protocol.EventSpec{
			{Kind: EventWrite, Name: "replica.write", Doc: "the application wrote or deleted a key", Args: []string{"key", "version", "flags"}, Role: protocol.RoleWrite},
			{Kind: EventApply, Name: "replica.apply", Doc: "a write of another node took effect", Args: []string{"key", "version", "way"}, Role: protocol.RoleApply},
			{Kind: EventRead, Name: "replica.read", Doc: "the application read a key", Args: []string{"key", "version"}, Role: protocol.RoleRead},
			{Kind: EventRoot, Name: "replica.root", Doc: "the root of the tree changed", Args: []string{"root", "keys", "tombstones"}, Role: protocol.RoleRoot},
			{Kind: EventSessionBegin, Name: "replica.session_begin", Doc: "this node begins an anti-entropy session with a peer", Role: protocol.RoleSessionBegin},
			{Kind: EventSessionEnd, Name: "replica.session_end", Doc: "the session with a peer is complete", Args: []string{"round trips", "bytes", "keys"}, Role: protocol.RoleSessionEnd},
			{Kind: EventSessionBroken, Name: "replica.session_broken", Doc: "a session ended early: 0 the peer is busy, 1 the stream broke, 2 silence, 3 a malformed message, 4 another way to compare or another profile of trees, 5 the disk failed, 6 some entries could not be taken", Args: []string{"reason", "began it"}},
			{Kind: EventRefused, Name: "replica.refused", Doc: "something from a peer was refused: 0 malformed, 1 a type that is not known, 2 from too far in the future (clock_bound), 3 a key that is empty or too long, 4 a value too large", Args: []string{"reason"}},
			{Kind: EventConflict, Name: "replica.conflict", Doc: "a key has values of several types, of which readers see one", Args: []string{"key"}},
			{Kind: EventHot, Name: "replica.hot", Doc: "a key became hot", Args: []string{"key"}},
			{Kind: EventCold, Name: "replica.cold", Doc: "a hot key became cold", Args: []string{"key"}},
			{Kind: EventPush, Name: "replica.push", Doc: "writes were broadcast", Args: []string{"writes", "bytes", "gathered for ns"}},
			{Kind: EventSummary, Name: "replica.summary", Doc: "only the digests of writes were broadcast, for push_rate was used up", Args: []string{"writes", "bytes"}},
			{Kind: EventVanish, Name: "replica.vanish", Doc: "a key was deleted because a peer, who takes account of what it holds, has it not", Args: []string{"key", "version"}},
			{Kind: EventMismatch, Name: "replica.mismatch", Doc: "a peer cannot be compared with: its tree_base, tree_salt, compare or merkle_depth is another; all nodes must have the same"},
			{Kind: EventUnreadable, Name: "replica.unreadable", Doc: "what is on disk cannot be read; the node tries again and takes no part until it can"},
			{Kind: EventRename, Name: "replica.rename", Doc: "a peer knows of events of this node that it did not bring about: its disk has forgotten some, or somebody lies; it goes on as a new actor"},
			{Kind: EventCollect, Name: "replica.collect", Doc: "tombstones were forgotten", Args: []string{"count"}},
		},
		Commands: []protocol.CommandSpec{
			{Kind: CommandPut, Name: "replica.put", Doc: "write the value, at most 1 MiB, to the key's register", Key: true},
			{Kind: CommandDelete, Name: "replica.delete", Doc: "delete the key", Key: true},
			{Kind: CommandGet, Name: "replica.get", Doc: "read the key", Key: true},
			{Kind: CommandIncrement, Name: "replica.increment", Doc: "add one to the key's counter", Key: true},
			{Kind: CommandAdd, Name: "replica.add", Doc: "add the value to the key's set", Key: true},
			{Kind: CommandRemove, Name: "replica.remove", Doc: "remove the value from the key's set", Key: true},
		},
	}
}

func asConfig(config any) (*Config, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configure replica: got %T, want *replica.Config", config)
	}
	return c, nil
}

// shared is what the nodes of one world share.
type shared struct {
	cfg     Config
	profile *mst.Profile
	// pool lets trees with the same contents be the same pages.
	pool *mst.Pool
}

func newBuilder(config any) protocol.Builder {
	fail := func(err error) protocol.Builder {
		return func([]protocol.Protocol) (protocol.Protocol, error) { return nil, err }
	}
	c, err := asConfig(config)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return fail(err)
	}
	profile, err := c.profile()
	if err != nil {
		return fail(err)
	}
	s := &shared{cfg: *c, profile: profile, pool: mst.NewPool(0)}
	return func(lower []protocol.Protocol) (protocol.Protocol, error) { return newNode(s, lower) }
}
