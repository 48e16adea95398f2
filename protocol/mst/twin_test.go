package mst

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// twin is the obvious set of keys with digests: what a Tree does is compared
// with it.
type twin map[string]Digest

func (w twin) keys() []string { return slices.Sorted(maps.Keys(w)) }

// naiveLevel is the level by the definition.
func naiveLevel(o Options, key string) int {
	in := []byte(key)
	if o.Salt != nil {
		pad := make([]byte, 33)
		pad[0] = byte(len(o.Salt))
		copy(pad[1:], o.Salt)
		in = append(pad, key...)
	}
	digits := ""
	for _, b := range sha256.Sum256(in) {
		digits += fmt.Sprintf("%08b", b)
	}
	width := bits.Len(uint(o.Base)) - 1
	level := 0
	for level < 256/width && level < 255 && digits[level*width:(level+1)*width] == "0000000000"[:width] {
		level++
	}
	return level
}

// naiveRoot builds the tree of the keys by the definition, from scratch and
// without any of the code under test, and returns its root.
func naiveRoot(o Options, w twin, keys []string) Hash {
	if len(keys) == 0 {
		return Hash{}
	}
	top := 0
	for _, k := range keys {
		top = max(top, naiveLevel(o, k))
	}
	var slots [][]byte
	count, from := 0, 0
	slot := func(to int) []byte {
		kid := naiveRoot(o, w, keys[from:to])
		if kid.IsZero() {
			return []byte{0}
		}
		return append([]byte{1}, kid[:o.HashSize]...)
	}
	for i, k := range keys {
		if naiveLevel(o, k) == top {
			s := binary.AppendUvarint(slot(i), uint64(len(k)))
			d := w[k]
			slots = append(slots, append(append(s, k...), d[:o.DigestSize]...))
			count, from = count+1, i+1
		}
	}
	slots = append(slots, slot(len(keys)))
	var leaves [][]byte
	for part := range slices.Chunk(slots, 4) {
		leaves = append(leaves, naiveHash(o, append([][]byte{{1}}, part...)...))
	}
	head := []byte{3, 1, byte(bits.Len(uint(o.Base)) - 1), byte(o.HashSize), byte(o.DigestSize), byte(top)}
	head = binary.BigEndian.AppendUint32(head, uint32(count))
	var h Hash
	copy(h[:], naiveHash(o, head, naiveMerkle(o, leaves)))
	return h
}

func naiveMerkle(o Options, leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return naiveHash(o, []byte{2}, naiveMerkle(o, leaves[:k]), naiveMerkle(o, leaves[k:]))
}

func naiveHash(o Options, parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:o.HashSize]
}

// drawOptions draws parameters with small bases more often, as these give high
// trees of few keys.
func drawOptions() *rapid.Generator[Options] {
	return rapid.Custom(func(t *rapid.T) Options {
		o := Options{
			Base:       rapid.SampledFrom([]int{2, 2, 4, 4, 8, 16, 256}).Draw(t, "base"),
			HashSize:   rapid.SampledFrom([]int{16, 20, 32}).Draw(t, "hash size"),
			DigestSize: rapid.SampledFrom([]int{8, 16, 32}).Draw(t, "digest size"),
		}
		if rapid.Bool().Draw(t, "salted") {
			o.Salt = bytes.Repeat([]byte{7}, rapid.IntRange(MinSaltSize, MaxSaltSize).Draw(t, "salt"))
		}
		return o
	})
}

// drawPool draws a pool or none.
func drawPool(t *rapid.T) *Pool {
	if rapid.Bool().Draw(t, "pool") {
		return NewPool(0)
	}
	return nil
}

// drawKey draws keys that meet again and lie close together, or spread out;
// some are prefixes of others, one is empty and few are long.
func drawKey() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 300), func(k int) string { return fmt.Sprintf("%03d", k) }),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 4), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.IntRange(126, 130), func(n int) string { return string(bytes.Repeat([]byte{'k'}, n)) }),
	)
}

func drawDigest(o Options) *rapid.Generator[Digest] {
	return rapid.Map(rapid.IntRange(0, 3), func(k int) Digest { return digestNo(o, k) })
}

func digestNo(o Options, k int) (d Digest) {
	copy(d[:o.DigestSize], bytes.Repeat([]byte{byte(k)}, o.DigestSize))
	return d
}

// mutate makes some random changes with one Commit, to both.
func mutate(t *rapid.T, o Options, tree Tree, want twin) Tree {
	e := tree.Edit()
	for range rapid.IntRange(0, 60).Draw(t, "changes") {
		key := drawKey().Draw(t, "key")
		if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
			e.Delete([]byte(key))
			delete(want, key)
			continue
		}
		d := drawDigest(o).Draw(t, "digest")
		e.Put([]byte(key), d)
		want[key] = d
		if got, ok := e.Get([]byte(key)); !ok || got != d {
			t.Fatalf("get %q in an editor: got %x %t, want %x", key, got, ok, d)
		}
	}
	if lo := drawKey().Draw(t, "from"); rapid.IntRange(0, 5).Draw(t, "wipe") == 0 {
		for _, k := range want.keys() {
			if k >= lo {
				e.Delete([]byte(k))
				delete(want, k)
			}
		}
	}
	return e.Commit()
}

// drawTree draws a tree with some history, and its twin.
func drawTree(t *rapid.T, o Options) (Tree, twin) {
	tree, want := New(MustProfile(o), drawPool(t)), twin{}
	for range rapid.IntRange(0, 4).Draw(t, "commits") {
		tree = mutate(t, o, tree, want)
	}
	return tree, want
}

// drawPair draws two trees of one profile, related or not.
func drawPair(t *rapid.T, o Options) (a Tree, wantA twin, b Tree, wantB twin) {
	a, wantA = drawTree(t, o)
	if rapid.IntRange(0, 3).Draw(t, "related") == 0 {
		b, wantB = drawTree(t, o)
		return a, wantA, b, wantB
	}
	wantB = maps.Clone(wantA)
	if rapid.Bool().Draw(t, "same pages") {
		return a, wantA, mutate(t, o, a, wantB), wantB
	}
	return a, wantA, mutate(t, o, build(t, o, wantA), wantB), wantB
}

func build(t require, o Options, w twin) Tree {
	t.Helper()
	b := NewBuilder(MustProfile(o), nil)
	for _, k := range w.keys() {
		if err := b.Add([]byte(k), w[k]); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return b.Finish()
}

type require interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// checkSame fails unless the tree holds what the twin holds.
func checkSame(t require, tree Tree, want twin) {
	t.Helper()
	got := twin{}
	var keys []string
	tree.Range(nil, nil, func(key []byte, d Digest) bool {
		got[string(key)] = d
		keys = append(keys, string(key))
		return true
	})
	if !maps.Equal(got, want) || !slices.Equal(keys, want.keys()) {
		t.Fatalf("got keys %q, want %q", keys, want.keys())
	}
	if tree.Len() != len(want) {
		t.Fatalf("got length %d, want %d", tree.Len(), len(want))
	}
	checkSealed(t, tree.root)
}

// checkSealed fails if a page is not as it must be when it is published.
func checkSealed(t require, pg *page) int {
	if pg == nil {
		return 0
	}
	size, kids := int(pg.count), 0
	for i := range int(pg.count) + 1 {
		if kid := pg.kid(i); kid != nil {
			if kid.level >= pg.level {
				t.Fatalf("a page of level %d has a child of level %d", pg.level, kid.level)
			}
			size += checkSealed(t, kid)
			kids++
		}
	}
	if pg.fresh || pg.hash.IsZero() || pg.size != size || (pg.kids != nil) != (kids > 0) {
		t.Fatalf("a page is not sealed: fresh %t, size %d, want %d", pg.fresh, pg.size, size)
	}
	return size
}

var _ require = (*testing.T)(nil)
