package crdt_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

var (
	alice = clock.Actor{Node: 0xa1}
	bob   = clock.Actor{Node: 0xb2, Incarnation: 300}
)

func stampOf(a clock.Actor, n uint64, wall int64) crdt.Stamp {
	return crdt.Stamp{Dot: clock.Dot{Actor: a, Counter: n}, Time: clock.Timestamp{Wall: wall, Node: a.Node}}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The format, byte by byte as the package's documentation has it.
func TestGoldenBytes(t *testing.T) {
	register := must1(new(crdt.Register).Put(stampOf(bob, 128, 258), "hi"))
	_, gone, err := register.Clear(stampOf(alice, 1, 259))
	if err != nil {
		t.Fatal(err)
	}
	g, _ := must2(new(crdt.GCounter).Add(stampOf(alice, 3, 0).Dot, 300))
	g, _ = must2(g.Add(stampOf(bob, 1, 0).Dot, 1))
	pn, _ := must2(new(crdt.PNCounter).Add(stampOf(alice, 3, 0).Dot, 2))
	pn, delta := must2(pn.Add(stampOf(alice, 5, 0).Dot, -3))
	set, _ := must2(new(crdt.ORSet).Add(stampOf(alice, 1, 0).Dot, "x"))
	set, _ = must2(set.Add(stampOf(bob, 2, 0).Dot, "yz"))
	_, removal := must2(set.Remove(stampOf(bob, 4, 0).Dot, "x"))
	for _, c := range []struct {
		name string
		v    crdt.Value
		want string
	}{
		{"register never written", &crdt.Register{}, "00"},
		{"register", register, "01 0000000000000102 00 00000000000000b2 ac02 8001 00 02 6869"},
		{"deleted register", gone, "02 0000000000000103 00 00000000000000a1 00 01 01 00000000000000b2 ac02 8001"},
		{"g-counter", g, "02 00000000000000a1 00 03 00 00000000000000b2 ac02 01 00 02 00 03 ac02 01 01 01"},
		{"empty g-counter", &crdt.GCounter{}, "00 00"},
		{"pn-counter", pn, "01 00000000000000a1 00 05 00 01 00 05 02 03"},
		{"pn-counter's delta", delta, "01 00000000000000a1 00 05 00 01 00 05 02 03"},
		{"set", set, "02 00000000000000a1 00 01 00 00000000000000b2 ac02 02 00 02 01 78 01 00 01 02 797a 01 01 02"},
		{"set's delta of a removal", removal, "02 00000000000000a1 00 01 00 00000000000000b2 ac02 00 01 01 01 00"},
		{"empty set", &crdt.ORSet{}, "00 00"},
	} {
		want := unhex(c.want)
		if got := c.v.Append(nil); string(got) != string(want) {
			t.Errorf("%s:\n got % x\nwant % x", c.name, got, want)
		}
		if got, err := crdt.Decode(c.v.Kind(), want); err != nil || string(got.Append(nil)) != string(want) {
			t.Errorf("%s: decoded to %v, %v", c.name, got, err)
		}
	}
	entry := crdt.NewEntry(&crdt.ORSet{}).Merge(crdt.NewEntry(pn)).Merge(crdt.NewEntry(gone))
	want := unhex("02 01 21 02 0000000000000103 00 00000000000000a1 00 01 01 00000000000000b2 ac02 8001 03 11 01 00000000000000a1 00 05 00 01 00 05 02 03")
	if got := entry.Append(nil); string(got) != string(want) {
		t.Errorf("entry:\n got % x\nwant % x", got, want)
	}
	digest := entry.Digest()
	if got, want := hex.EncodeToString(digest[:]), "8db961de7a5a6b27f178a66399f7193f"; got != want {
		t.Errorf("digest: got %s, want %s", got, want)
	}
}

func TestDecodersRefuse(t *testing.T) {
	const a, b = "00000000000000a1 00", "00000000000000b2 00"
	const context = "02" + a + "05 00" + b + "05 00"
	const tooMany = "80808080808080808001"
	for _, c := range []struct {
		name  string
		kind  crdt.Kind
		bytes string
	}{
		{"no input", crdt.KindRegister, ""},
		{"a state of 3", crdt.KindRegister, "03 0000000000000001 00" + a + "01 00"},
		{"the last write among the others", crdt.KindRegister, "02 0000000000000001 00" + a + "02 01" + a + "02"},
		{"an earlier write of its actor among the others", crdt.KindRegister, "02 0000000000000001 00" + a + "02 01" + a + "01"},
		{"a deletion with a value", crdt.KindRegister, "02 0000000000000001 00" + a + "01 00 00"},
		{"a write without a value", crdt.KindRegister, "01 0000000000000001 00" + a + "01 00"},
		{"a value that is cut", crdt.KindRegister, "01 0000000000000001 00" + a + "01 00 02 78"},
		{"a negative wall time", crdt.KindRegister, "02 8000000000000000 00" + a + "01 00"},
		{"a logical time beyond 32 bits", crdt.KindRegister, "02 0000000000000001 8080808010" + a + "01 00"},
		{"an invalid dot", crdt.KindRegister, "02 0000000000000001 00" + a + "00 00"},
		{"a tally of an event not seen", crdt.KindGCounter, context + "01 00 06 01"},
		{"a tally of no actor", crdt.KindGCounter, context + "01 02 01 01"},
		{"tallies out of order", crdt.KindGCounter, context + "02 01 01 01 00 01 01"},
		{"a tally twice", crdt.KindGCounter, context + "02 00 01 01 00 01 01"},
		{"a tally too large", crdt.KindGCounter, context + "01 00 01" + tooMany},
		{"decrements too large", crdt.KindPNCounter, context + "01 00 01 01" + tooMany},
		{"more tallies than bytes", crdt.KindPNCounter, context + "7f 00 01 01"},
		{"an element of an event not seen", crdt.KindORSet, context + "01 01 78 01 00 06"},
		{"an element of no actor", crdt.KindORSet, context + "01 01 78 01 02 01"},
		{"an element without dots", crdt.KindORSet, context + "01 02 7878 00"},
		{"elements out of order", crdt.KindORSet, context + "02 01 79 01 00 01 01 78 01 00 02"},
		{"an element twice", crdt.KindORSet, context + "02 01 78 01 00 01 01 78 01 00 02"},
		{"dots out of order", crdt.KindORSet, context + "01 01 78 02 00 02 00 01"},
		{"a dot twice", crdt.KindORSet, context + "01 01 78 02 00 01 00 01"},
		{"more elements than bytes", crdt.KindORSet, context + "7f 01 78 01 00 01"},
		{"bytes after the end", crdt.KindORSet, "00 00 00"},
	} {
		if v, err := crdt.Decode(c.kind, unhex(c.bytes)); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("%s: got %v, %v, want ErrMalformed", c.name, v, err)
		}
	}
	for _, c := range []struct{ name, bytes string }{
		{"no input", ""},
		{"an empty part", "01 02 02 00 00"},
		{"parts out of order", "02 04 0d 01" + a + "05 00 00 02 0d 01" + a + "05 00 00"},
		{"a part twice", "02 02 0d 01" + a + "05 00 00 02 0d 01" + a + "05 00 00"},
		{"a part that is cut", "01 02 0f 01" + a + "05 00 00"},
		{"a part that is longer than its value", "01 02 0e 01" + a + "05 00 00 00"},
		{"fewer parts than it says", "02 02 0d 01" + a + "05 00 00"},
		{"bytes after the end", "00 00"},
	} {
		if e, err := crdt.DecodeEntry(unhex(c.bytes)); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("entry with %s: got %v, %v, want ErrMalformed", c.name, e, err)
		}
	}
}

// A replica counts what newer programs send it apart from what is broken.
func TestUnknownKindsAreTold(t *testing.T) {
	var unknown *crdt.UnknownKindError
	if _, err := crdt.DecodeEntry([]byte{1, 9, 1, 0}); !errors.As(err, &unknown) || unknown.Kind != 9 || !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("entry: got %v, want unknown kind 9", err)
	}
	if _, err := crdt.Decode(0, nil); !errors.As(err, &unknown) || unknown.Kind != 0 {
		t.Errorf("value: got %v, want unknown kind 0", err)
	}
	if _, err := crdt.New(5); !errors.As(err, &unknown) || unknown.Kind != 5 {
		t.Errorf("new: got %v, want unknown kind 5", err)
	}
	for k := crdt.KindRegister; k <= crdt.KindORSet; k++ {
		v, err := crdt.New(k)
		if err != nil || v.Kind() != k || v.Live() || !crdt.NewEntry(v).IsZero() {
			t.Errorf("new %s: got %v, %v", k, v, err)
		}
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must2[T any](v, w T, err error) (T, T) {
	if err != nil {
		panic(err)
	}
	return v, w
}
