package crdt

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
)

// Values that no honest replica makes: one event with several effects, dots
// that replace nothing, equal timestamps. Replicas must agree on them too.

func drawForgedDot(t *rapid.T) clock.Dot {
	return clock.Dot{
		Actor:   clock.Actor{Node: protocol.NodeID(rapid.Uint64Range(1, 2).Draw(t, "node")), Incarnation: rapid.Uint32Range(0, 1).Draw(t, "incarnation")},
		Counter: rapid.Uint64Range(1, 4).Draw(t, "counter"),
	}
}

func drawForgedContext(t *rapid.T, live []clock.Dot) clock.DotContext {
	var runs []clock.Run
	for _, d := range append(rapid.SliceOfN(rapid.Custom(drawForgedDot), 0, 4).Draw(t, "context"), live...) {
		runs = append(runs, clock.Run{Actor: d.Actor, From: d.Counter, To: d.Counter})
	}
	c, _ := clock.NewDotContext(runs...)
	return c
}

func drawForgedValue(t *rapid.T, k Kind) Value {
	small := rapid.Uint64Range(0, 2)
	switch k {
	case KindRegister:
		d := clock.Dot{Actor: clock.Actor{Node: 1}, Counter: rapid.Uint64Range(1, 2).Draw(t, "counter")}
		r := &Register{
			wall: 1, logical: rapid.Uint32Range(0, 1).Draw(t, "logical"), node: d.Actor.Node,
			incarnation: d.Actor.Incarnation, counter: d.Counter,
			state: rapid.SampledFrom([]registerState{written, deleted}).Draw(t, "state"),
		}
		others, _ := clock.NewVersionVector(rapid.SliceOfN(rapid.Custom(drawForgedDot), 0, 2).Draw(t, "others")...)
		r.others = others.Prune(func(a clock.Actor) bool { return a == d.Actor && others.Get(a) <= d.Counter })
		if r.Live() {
			r.value = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
		}
		return r
	case KindGCounter, KindPNCounter:
		dots := rapid.SliceOfNDistinct(rapid.Custom(drawForgedDot), 0, 4, rapid.ID[clock.Dot]).Draw(t, "dots")
		slices.SortFunc(dots, clock.Dot.Compare)
		c := counter{context: drawForgedContext(t, dots)}
		for _, d := range dots {
			c.live = append(c.live, tally{dot: d, up: small.Draw(t, "up")})
			if k == KindPNCounter {
				c.live[len(c.live)-1].down = small.Draw(t, "down")
			}
		}
		if k == KindGCounter {
			return &GCounter{c}
		}
		return &PNCounter{c}
	default:
		dots := rapid.SliceOfN(rapid.Custom(drawForgedDot), 0, 5).Draw(t, "dots")
		s := &ORSet{context: drawForgedContext(t, dots)}
		for _, d := range dots {
			s.marks = append(s.marks, mark{rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "element"), d})
		}
		slices.SortFunc(s.marks, compareMarks)
		s.marks = slices.Compact(s.marks)
		return s
	}
}

func drawForged(t *rapid.T) Entry {
	var e Entry
	for k := range Kind(kinds) {
		if rapid.Bool().Draw(t, "has") {
			e = e.Merge(NewEntry(drawForgedValue(t, k+1)))
		}
	}
	return e
}

func TestMergeIsAJoinOfForgedValues(t *testing.T) {
	same := func(t *rapid.T, got, want Entry) {
		t.Helper()
		if !bytes.Equal(got.Append(nil), want.Append(nil)) {
			t.Fatalf("got % x, want % x", got.Append(nil), want.Append(nil))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawForged(t), drawForged(t), drawForged(t)
		same(t, a.Merge(b), b.Merge(a))
		same(t, a.Merge(b).Merge(c), a.Merge(b.Merge(c)))
		same(t, a.Merge(a), a)
		same(t, a.Merge(b).Merge(b), a.Merge(b))
		same(t, a.Merge(a.DeltaSince(b.Version())), a)
		if got, want := a.Merge(b).Version(), a.Version().Merge(b.Version()); got.Compare(want) != clock.Equal {
			t.Fatalf("merged versions %v and %v to %v", a.Version(), b.Version(), got)
		}
	})
}

// What a codec writes has the size it says, decodes to the same, and nothing
// that is not canonical decodes, whatever byte is changed.
func TestEncodingIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawForged(t)
		b := e.Append(nil)
		got, err := DecodeEntry(b)
		if err != nil || !bytes.Equal(got.Append(nil), b) || len(b) != e.Size() || got.Digest() != e.Digest() {
			t.Fatalf("decoded % x of size %d to % x, %v", b, e.Size(), got.Append(nil), err)
		}
		if e.Merge(got) != e {
			t.Fatalf("% x: the decoded entry is not the same", b)
		}
		if _, err := DecodeEntry(b[:len(b)-1]); !errors.Is(err, protocol.ErrMalformed) {
			t.Fatalf("cut by a byte: got %v, want ErrMalformed", err)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "changed byte")] = rapid.Byte().Draw(t, "to")
		mustBeCanonical(t, b)
	})
}

// mustBeCanonical checks that b is refused or is what its entry encodes to.
func mustBeCanonical(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, b []byte,
) {
	t.Helper()
	e, err := DecodeEntry(b)
	switch {
	case err != nil && !errors.Is(err, protocol.ErrMalformed):
		t.Fatalf("% x: got %v, want ErrMalformed", b, err)
	case err == nil && (!bytes.Equal(e.Append(nil), b) || e.Size() != len(b)):
		t.Fatalf("accepted % x, which encodes to % x", b, e.Append(nil))
	}
}

func FuzzEntry(f *testing.F) {
	for i := range 40 {
		f.Add(rapid.Custom(drawForged).Example(i).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) { mustBeCanonical(t, b) })
}

// FuzzValue also merges what it accepts with itself and with an honest value.
func FuzzValue(f *testing.F) {
	for i := range 40 {
		k := Kind(i%kinds + 1)
		v := rapid.Custom(func(t *rapid.T) Value { return drawForgedValue(t, k) }).Example(i)
		f.Add(byte(k), v.Append(nil))
	}
	stamp := Stamp{clock.Dot{Actor: clock.Actor{Node: 1}, Counter: 3}, clock.Timestamp{Wall: 1, Node: 1}}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		k := Kind(kind)
		v, err := Decode(k, b)
		if err != nil {
			if !errors.Is(err, protocol.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			return
		}
		if got := v.Append(nil); !bytes.Equal(got, b) || v.Size() != len(b) || v.Kind() != k {
			t.Fatalf("accepted % x, which encodes to % x", b, got)
		}
		honest, _, err := NewEntry(v).Delete(stamp)
		if err == nil && honest.Live() {
			t.Fatalf("% x: live after its deletion", b)
		}
		if merged := NewEntry(v).Merge(honest); !bytes.Equal(merged.Append(nil), honest.Append(nil)) {
			t.Fatalf("% x: a deletion does not win over what it saw", b)
		}
	})
}
