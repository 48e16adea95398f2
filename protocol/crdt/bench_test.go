package crdt_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

var sink int

// Yardstick: hashing the same bytes once is what a digest costs at least.
func BenchmarkRegister(b *testing.B) {
	value := string(make([]byte, 100))
	old, _ := put(crdt.Entry{}, stampOf(alice, 1, 1), value)
	recent, _ := put(old, stampOf(bob, 1, 2), value)
	concurrent, _ := put(crdt.Entry{}, stampOf(bob, 1, 3), value)
	enc := recent.Append(nil)
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if old.Merge(recent) != recent {
				b.Fatal("the older write won")
			}
		}
	})
	b.Run("merge-concurrent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !recent.Merge(concurrent).Live() {
				b.Fatal("two writes made none")
			}
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for n := int64(2); b.Loop(); n++ {
			next, _ := put(old, stampOf(alice, uint64(n), n), value)
			sink += next.Size()
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, len(enc))
		for b.Loop() {
			sink += len(recent.Append(buf))
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := crdt.DecodeEntry(enc)
			if err != nil {
				b.Fatal(err)
			}
			sink += e.Size()
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := recent.Digest()
			sink += int(d[0])
		}
	})
	b.Run("yardstick-sha256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := sha256.Sum256(enc)
			sink += int(d[0])
		}
	})
}

// naiveSet is the yardstick: an observed-remove set as the papers write it down,
// with maps.
type naiveSet struct {
	seen map[clock.Dot]bool
	at   map[clock.Dot]string
}

func (s naiveSet) merge(o naiveSet) naiveSet {
	out := naiveSet{maps.Clone(s.seen), map[clock.Dot]string{}}
	maps.Copy(out.seen, o.seen)
	for d, e := range s.at {
		if _, there := o.at[d]; there || !o.seen[d] {
			out.at[d] = e
		}
	}
	for d, e := range o.at {
		if !s.seen[d] {
			out.at[d] = e
		}
	}
	return out
}

func BenchmarkORSet1000(b *testing.B) {
	ours := &crdt.ORSet{}
	naive := naiveSet{map[clock.Dot]bool{}, map[clock.Dot]string{}}
	for n := range uint64(1000) {
		d := clock.Dot{Actor: clock.Actor{Node: 1, Incarnation: uint32(n % 5)}, Counter: n + 1}
		e := fmt.Sprintf("element-%08d", n*7919%1000)
		ours, _ = must2(ours.Add(d, e))
		naive.seen[d], naive.at[d] = true, e
	}
	d := stampOf(bob, 1, 1).Dot
	other, delta := must2(ours.Add(d, "one more"))
	otherNaive := naiveSet{maps.Clone(naive.seen), maps.Clone(naive.at)}
	otherNaive.seen[d], otherNaive.at[d] = true, "one more"
	third, _ := must2(ours.Add(stampOf(alice, 1, 1).Dot, "and another"))
	enc := ours.Append(nil)

	run := func(name string, f func() int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink += f()
			}
		})
	}
	run("add", func() int { next, _ := must2(ours.Add(d, "one more")); return int(next.Kind()) })
	run("merge-delta", func() int { return int(must1(ours.Merge(delta)).Kind()) })
	run("merge-concurrent-state", func() int { return int(must1(other.Merge(third)).Kind()) })
	run("merge-known-state", func() int { return int(must1(other.Merge(ours)).Kind()) })
	run("yardstick-naive-merge", func() int { return len(naive.merge(otherNaive).at) })
	buf := make([]byte, 0, len(enc))
	run("encode", func() int { return len(ours.Append(buf)) })
	run("yardstick-copy", func() int { return len(append(buf, enc...)) })
	run("decode", func() int { return int(must1(crdt.Decode(crdt.KindORSet, enc)).Kind()) })
	run("delta-since", func() int { return int(other.DeltaSince(ours.Version()).Kind()) })
	run("all", func() int { return len(slices.Collect(ours.All())) })
	b.Logf("1000 elements of 16 bytes, 5 actors: %d bytes encoded", len(enc))
}
