package mst

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// inSpan are the twin's entries in a range.
func (w twin) inSpan(s span) []Entry {
	var es []Entry
	for _, k := range w.keys() {
		if s.has([]byte(k)) {
			es = append(es, Entry{Key: []byte(k), Digest: w[k]})
		}
	}
	return es
}

func equalEntries(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(a, b Entry) bool { return bytes.Equal(a.Key, b.Key) && a.Digest == b.Digest })
}

func isRefusal(err error) bool {
	return errors.Is(err, protocol.ErrMalformed) || errors.Is(err, ErrProof)
}

func drawSpan() *rapid.Generator[span] {
	return rapid.Custom(func(t *rapid.T) span {
		s := span{start: []byte(drawKey().Draw(t, "start"))}
		switch rapid.IntRange(0, 4).Draw(t, "span") {
		case 0:
			return spanOf(s.start)
		case 1:
			return span{}
		case 2:
			return span{start: s.start}
		}
		s.end = []byte(drawKey().Draw(t, "end"))
		if bytes.Compare(s.start, s.end) > 0 {
			s.start, s.end = s.end, s.start
		}
		if s.isEmpty() {
			s.end = append(s.end, 0)
		}
		return s
	})
}

func TestRangeProofsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, want := drawTree(t, drawOptions().Draw(t, "options"))
		s := drawSpan().Draw(t, "span")
		proof := tree.ProveRange(s.start, s.end)
		got, err := tree.profile.VerifyRange(tree.Root(), s.start, s.end, proof)
		if err != nil {
			t.Fatalf("from %q to %q: %v", s.start, s.end, err)
		}
		if entries := want.inSpan(s); !equalEntries(got, entries) {
			t.Fatalf("from %q to %q: got %+v, want %+v", s.start, s.end, got, entries)
		}
	})
}

func TestKeyProofsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, want := drawTree(t, drawOptions().Draw(t, "options"))
		for _, k := range append(want.keys(), rapid.SliceOfN(drawKey(), 1, 20).Draw(t, "absent")...) {
			d, ok, err := tree.profile.VerifyKey(tree.Root(), []byte(k), tree.ProveKey([]byte(k)))
			if err != nil {
				t.Fatalf("key %q: %v", k, err)
			}
			if wantD, wantOK := want[k]; ok != wantOK || d != wantD {
				t.Fatalf("key %q: got %x %t, want %x %t", k, d, ok, wantD, wantOK)
			}
		}
	})
}

func TestEveryChangedBitOfAProofIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, _ := drawTree(t, drawOptions().Draw(t, "options"))
		s := drawSpan().Draw(t, "span")
		proof := tree.ProveRange(s.start, s.end)
		for range 60 {
			at := rapid.IntRange(0, 8*len(proof)-1).Draw(t, "bit")
			refusesBit(t, tree, s, proof, at)
		}
	})
}

// All bits of some proofs, one after the other.
func TestAllChangedBitsOfSomeProofsAreRefused(t *testing.T) {
	for _, base := range []int{2, 64} {
		tree := buildNo(MustProfile(Options{Base: base, HashSize: 16, DigestSize: 8}), nil, 80)
		var sorted [][]byte
		tree.Range(nil, nil, func(k []byte, _ Digest) bool { sorted = append(sorted, k); return true })
		for _, s := range []span{spanOf(keyNo(5)), spanOf([]byte("absent")), {start: sorted[75]}, {sorted[10], sorted[20]}} {
			proof := tree.ProveRange(s.start, s.end)
			for at := range 8 * len(proof) {
				refusesBit(t, tree, s, proof, at)
			}
		}
	}
}

func refusesBit(t require, tree Tree, s span, proof []byte, at int) {
	t.Helper()
	bad := bytes.Clone(proof)
	bad[at/8] ^= 1 << (at % 8)
	if _, err := tree.profile.VerifyRange(tree.Root(), s.start, s.end, bad); !isRefusal(err) {
		t.Fatalf("from %q to %q: got %v with bit %d of %d changed, want a refusal", s.start, s.end, err, at, 8*len(bad))
	}
}

func TestProofsOfOtherThingsAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		tree, want, other, wantOther := drawPair(t, o)
		s, u := drawSpan().Draw(t, "span"), drawSpan().Draw(t, "other span")
		proof := tree.ProveRange(s.start, s.end)
		verify := func(root Hash, s span, proof []byte) error {
			got, err := tree.profile.VerifyRange(root, s.start, s.end, proof)
			if err != nil && !isRefusal(err) {
				t.Fatalf("got %v, want a refusal", err)
			}
			// Whatever was proved is true of the tree with this root.
			of := want
			if root != tree.Root() {
				of = wantOther
			}
			if err == nil && !equalEntries(got, of.inSpan(s)) {
				t.Fatalf("proved %+v, want %+v", got, of.inSpan(s))
			}
			return err
		}
		if err := verify(other.Root(), s, proof); err == nil && other.Root() != tree.Root() {
			t.Fatalf("a proof held for another root")
		}
		_ = verify(tree.Root(), u, proof)
		if cut := rapid.IntRange(0, len(proof)-1).Draw(t, "cut"); verify(tree.Root(), s, proof[:cut]) == nil {
			t.Fatalf("a proof held that was cut to %d of %d bytes", cut, len(proof))
		}
		if verify(tree.Root(), s, append(bytes.Clone(proof), 0)) == nil {
			t.Fatalf("a proof held with a byte after its end")
		}
	})
}

func TestOversizedAndEmptyProofsAreRefused(t *testing.T) {
	p := MustProfile(Options{})
	tree := buildNo(p, nil, 100)
	if _, err := p.VerifyRange(tree.Root(), nil, nil, make([]byte, MaxProof+1)); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
	if proof := tree.ProveRange([]byte("b"), []byte("b")); proof != nil {
		t.Errorf("got a proof of an empty range")
	}
	if _, err := p.VerifyRange(tree.Root(), []byte("b"), []byte("b"), nil); !errors.Is(err, ErrProof) {
		t.Errorf("got %v for an empty range, want ErrProof", err)
	}
	if _, _, err := p.VerifyKey(tree.Root(), []byte("b"), nil); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("got %v for no proof, want ErrMalformed", err)
	}
}

// Every page of the path shows one or two groups of entries, whatever its size.
func TestKeyProofIsSmall(t *testing.T) {
	tree := buildNo(MustProfile(Options{DigestSize: 16}), nil, 20_000)
	most := 0
	for k := range 200 {
		most = max(most, len(tree.ProveKey(keyNo(k))), len(tree.ProveKey(keyNo(k+20_000))))
	}
	if most > 3000 {
		t.Errorf("got a proof of %d bytes, want at most 3000", most)
	}
}
