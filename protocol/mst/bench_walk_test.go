package mst

import (
	"fmt"
	"testing"
)

// BenchmarkWalk: bytes both ways and rounds of a walk between trees of 1 M
// keys with 10,000 differences; frames are not counted. Yardsticks
// (estimated beforehand): B=4 6.5 MB and 11 rounds, B=16 10.6 MB and 6,
// B=64 20.6 MB and 4, contiguous updates at B=16 0.35 MB and 6; with
// summaries at B=16 about 3.8 MB and 7. Full state takes 32 MB; the
// information bound is 145 kB.
func BenchmarkWalk(b *testing.B) {
	for _, c := range []struct {
		base, hash int
		summaries  int
		contiguous bool
	}{
		{base: 4},
		{base: 16},
		{base: 64},
		{base: 4, hash: 16},
		{base: 16, hash: 16},
		{base: 16, contiguous: true},
		{base: 4, summaries: 1},
		{base: 16, summaries: 1},
		{base: 32, summaries: 1},
		{base: 64, summaries: 1},
		{base: 4, summaries: 3},
		{base: 16, summaries: 2},
		{base: 16, hash: 16, summaries: 2},
		{base: 32, summaries: 2},
		{base: 64, summaries: 2},
	} {
		b.Run(fmt.Sprintf("B=%d/hash=%d/summaries=%d/contiguous=%t", c.base, c.hash, c.summaries, c.contiguous), func(b *testing.B) {
			mine := bigTree(b, Options{Base: c.base, HashSize: c.hash, DigestSize: 16})
			theirs := updates(mine, 10_000, c.contiguous)
			var cost traffic
			for b.Loop() {
				var found []Difference
				cost, found = walk(b, NewPuller(mine, theirs.Root(), PullOptions{SummaryLevels: c.summaries}), theirs, million)
				if len(found) != 10_000 {
					b.Fatalf("got %d differences, want 10000", len(found))
				}
			}
			b.ReportMetric(float64(cost.rounds), "rounds")
			b.ReportMetric(float64(cost.pages), "pages")
			b.ReportMetric(float64(cost.asked)/1e6, "asked-MB")
			b.ReportMetric(float64(cost.answered)/1e6, "answered-MB")
		})
	}
}

// BenchmarkProof: one key of 1 M. Yardstick with flat pages: 3.9 kB at B=4, 6.2
// kB at B=16.
func BenchmarkProof(b *testing.B) {
	for _, base := range []int{4, 16, 64} {
		b.Run(fmt.Sprintf("B=%d", base), func(b *testing.B) {
			tree := bigTree(b, Options{Base: base, DigestSize: 16})
			keys := manyKeys()
			total := 0
			for i := range 1000 {
				total += len(tree.ProveKey(keys[i]))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := keys[i%1000]
				if _, ok, err := tree.profile.VerifyKey(tree.Root(), k, tree.ProveKey(k)); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
			b.ReportMetric(float64(total)/1000, "B/proof")
		})
	}
}
