package replica

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/mst"
)

func decoders() protocol.Decoders {
	d := protocol.Decoders{}
	for _, m := range Spec().Messages {
		d[m.Kind] = m.Decode
	}
	return d
}

func drawVector(t *rapid.T) clock.VersionVector {
	var v clock.VersionVector
	for range rapid.IntRange(0, 4).Draw(t, "actors") {
		v = v.With(clock.Dot{
			Actor:   clock.Actor{Node: protocol.NodeID(rapid.Uint64Min(1).Draw(t, "node")), Incarnation: rapid.Uint32().Draw(t, "incarnation")},
			Counter: rapid.Uint64Range(1, clock.MaxCounter).Draw(t, "counter"),
		})
	}
	return v
}

func drawHash(t *rapid.T) (h mst.Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), len(h), len(h)).Draw(t, "hash"))
	return h
}

func drawWant(t *rapid.T) mst.Want {
	w := mst.Want{Form: mst.Form(rapid.IntRange(1, 3).Draw(t, "form"))}
	copy(w.ID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "page"))
	if rapid.Bool().Draw(t, "inside") {
		w.After = drawBytes(t, 0, MaxKey)
	}
	if w.Form == mst.FormSlots {
		next := 0
		for range rapid.IntRange(1, 5).Draw(t, "slots") {
			next += rapid.IntRange(0, 300).Draw(t, "gap")
			w.Indices = append(w.Indices, uint16(next))
			next++
		}
	}
	return w
}

func drawBytes(t *rapid.T, least, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), least, rapid.SampledFrom([]int{most, 20}).Draw(t, "most")).Draw(t, "bytes")
}

func drawSome[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	out := make([]T, rapid.IntRange(1, 5).Draw(t, "count"))
	for i := range out {
		out[i] = draw(t)
	}
	return out
}

func drawKey(t *rapid.T) []byte { return drawBytes(t, 0, MaxKey) }

func drawLeaf(t *rapid.T) (l leaf) {
	copy(l[:], rapid.SliceOfN(rapid.Byte(), leafSize, leafSize).Draw(t, "leaf"))
	return l
}

func drawBuckets(t *rapid.T) []uint32 {
	buckets := rapid.SliceOfNDistinct(rapid.Uint32Range(0, 1<<maxDepth-1), 1, 5, rapid.ID).Draw(t, "buckets")
	slices.Sort(buckets)
	return buckets
}

func drawMessage(t *rapid.T) protocol.Message {
	id, round := rapid.Uint64().Draw(t, "session"), rapid.Uint64().Draw(t, "round")
	switch protocol.MessageKind(rapid.IntRange(int(kindOpen), int(kindLast)).Draw(t, "kind")) {
	case kindOpen:
		return &Open{id, rapid.Uint64().Draw(t, "profile"), drawHash(t), drawVector(t)}
	case kindAccept:
		return &Accept{id, drawHash(t), drawVector(t)}
	case kindAsk:
		return &Ask{id, round, drawSome(t, drawWant)}
	case kindPages:
		return &Pages{id, round, drawSome(t, func(t *rapid.T) Page { return Page{drawWant(t).ID, drawBytes(t, 0, 500)} })}
	case kindFetch:
		return &Fetch{id, round, drawSome(t, drawKey)}
	case kindEntries:
		return &Entries{id, round, drawSome(t, func(t *rapid.T) Item { return Item{drawKey(t), drawBytes(t, 0, 500)} })}
	case kindDrop:
		return &Drop{id, drawSome(t, drawKey)}
	case kindCommit:
		return &Commit{id, rapid.Uint64().Draw(t, "sent")}
	case kindDone:
		return &Done{id, rapid.Uint64().Draw(t, "sent"), rapid.Uint64().Draw(t, "keys"), rapid.Bool().Draw(t, "complete")}
	case kindLeaves:
		return &Leaves{id, round, drawSome(t, drawLeaf)}
	case kindBuckets:
		return &Buckets{id, round, drawBuckets(t)}
	case kindLast:
		return &Last{id, round, rapid.Uint64().Draw(t, "sent")}
	default:
		return &Abort{id, rapid.Uint64Range(0, BrokenIncomplete).Draw(t, "reason")}
	}
}

// What is written can be read, and takes as many bytes as it says.
func TestRoundTrip(t *testing.T) {
	d := decoders()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		frame := protocol.AppendFrame(nil, m)
		if m.Size() != len(frame)-protocol.FrameOverhead {
			t.Fatalf("%T: got size %d, want %d", m, m.Size(), len(frame)-protocol.FrameOverhead)
		}
		got, err := d.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if again := protocol.AppendFrame(nil, got); !bytes.Equal(again, frame) {
			t.Fatalf("%x became %x", frame, again)
		}
		clear(frame) // which the message does not refer to
		if again := protocol.AppendFrame(nil, got); !bytes.Equal(again, protocol.AppendFrame(nil, m)) {
			t.Fatalf("%T refers to what it was decoded from", m)
		}
	})
}

// A message that was cut off or continued is refused, and one that was changed is
// either refused or means what its bytes say.
func TestDecodeRefusesAnythingElse(t *testing.T) {
	d := decoders()
	rapid.Check(t, func(t *rapid.T) {
		frame := protocol.AppendFrame(nil, drawMessage(t))
		if _, err := d.Decode(frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("a part of a message was accepted")
		}
		if _, err := d.Decode(append(bytes.Clone(frame), 0)); err == nil {
			t.Fatal("a message with something behind it was accepted")
		}
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			i := rapid.IntRange(0, len(frame)-1).Draw(t, "at")
			frame[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		}
		if got, err := d.Decode(frame); err == nil && !bytes.Equal(protocol.AppendFrame(nil, got), frame) {
			t.Fatalf("%x was accepted and means %+v, which is written otherwise", frame, got)
		}
	})
}

// Lists have one thing at least: a message without one says nothing, and could
// keep a session alive for ever.
func TestEmptyListsAreRefused(t *testing.T) {
	for _, m := range []protocol.Message{&Ask{}, &Pages{}, &Fetch{}, &Entries{}, &Drop{}, &Leaves{}, &Buckets{}} {
		if _, err := decoders().Decode(protocol.AppendFrame(nil, m)); err == nil {
			t.Errorf("%T without anything was accepted", m)
		}
	}
}

func goldenMessages() []protocol.Message {
	var root mst.Hash
	for i := range root {
		root[i] = byte(i)
	}
	known, _ := clock.NewVersionVector(clock.Dot{Actor: clock.Actor{Node: 0x1111111111111111, Incarnation: 300}, Counter: 1_000_000}, clock.Dot{Actor: clock.Actor{Node: 0x2222222222222222}, Counter: 1})
	id := mst.PageID{1, 2, 3, 4, 5, 6, 7, 8}
	const session = 0x5e5510
	return []protocol.Message{
		&Open{Session: session, Profile: 0xfedcba9876543210, Root: root, Known: known},
		&Accept{Session: session},
		&Ask{Session: session, Round: 2, Wants: []mst.Want{{ID: id, Form: mst.FormPage}, {ID: id, Form: mst.FormSummary, After: []byte("k")}, {ID: id, Form: mst.FormSlots, After: []byte{}, Indices: []uint16{0, 7, 300}}}},
		&Pages{Session: session, Round: 2, Pages: []Page{{id, []byte("page")}, {id, nil}}},
		&Fetch{Session: session, Round: 300, Keys: [][]byte{[]byte("apple"), []byte("pear")}},
		&Entries{Session: session, Items: []Item{{[]byte("apple"), []byte("entry")}, {[]byte("pear"), nil}}},
		&Drop{Session: session, Keys: [][]byte{[]byte("apple")}},
		&Commit{Session: session, Sent: 300},
		&Done{Session: session, Sent: 7, Keys: 300, Complete: true},
		&Abort{Session: session, Reason: BrokenIncomplete},
		&Leaves{Session: session, First: 4096, Leaves: []leaf{{}, {1, 2, 3}}},
		&Buckets{Session: session, Round: 2, Buckets: []uint32{0, 1, 300, 1<<maxDepth - 1}},
		&Last{Session: session, Round: 300, Sent: 7},
	}
}

// The bytes of one message of each kind. A change here is a change of the wire
// format and needs another protocol.FrameVersion.
func TestGoldenVectors(t *testing.T) {
	var out strings.Builder
	for _, m := range goldenMessages() {
		out.WriteString(hex.EncodeToString(protocol.AppendFrame(nil, m)) + "\n")
	}
	path := filepath.Join("testdata", "messages.hex")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if out.String() != string(want) {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
