package mst

import (
	"bytes"
	"errors"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

var fuzzOptions = Options{Base: 4, HashSize: 16, DigestSize: 8}

// FuzzPage: what the decoder accepts encodes to the same bytes again.
func FuzzPage(f *testing.F) {
	p := MustProfile(fuzzOptions)
	for _, n := range []int{1, 5, 50} {
		b, _ := p.appendPage(nil, buildNo(p, nil, n).root, nil)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s scratch
		n, err := p.parsePage(b, anywhere, &s)
		if err != nil {
			if !errors.Is(err, protocol.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			return
		}
		again := wire.AppendUvarint([]byte{pageVersion, n.level}, uint64(len(n.keys)))
		for i := range len(n.keys) + 1 {
			if kid := n.kid(i); kid.IsZero() {
				again = append(again, 0)
			} else {
				again = append(append(again, 1), kid[:p.hashSize]...)
			}
			if i < len(n.keys) {
				again = append(wire.AppendBytes(again, n.keys[i]), n.digests[i]...)
			}
		}
		if !bytes.Equal(again, b) {
			t.Errorf("accepted %x, which encodes to %x", b, again)
		}
		if _, err := p.decodePage(b, p.sumGroups(n.level, len(n.keys), b, &s), anywhere, &s); err != nil {
			t.Errorf("got %v for a page with its hash", err)
		}
	})
}

// FuzzProof: what a proof proves of a root is true, whatever the proof.
func FuzzProof(f *testing.F) {
	tree := buildNo(MustProfile(fuzzOptions), nil, 200)
	for _, s := range []span{spanOf(keyNo(1)), spanOf(nil), {}, {keyNo(1), nil}} {
		f.Add(s.start, s.end, s.end != nil, tree.ProveRange(s.start, s.end))
	}
	f.Fuzz(func(t *testing.T, start, end []byte, bounded bool, proof []byte) {
		if !bounded {
			end = nil
		} else if end == nil {
			end = []byte{}
		}
		got, err := tree.profile.VerifyRange(tree.Root(), start, end, proof)
		if err != nil {
			if !isRefusal(err) {
				t.Errorf("got %v, want a refusal", err)
			}
			return
		}
		var want []Entry
		tree.Range(start, end, func(k []byte, d Digest) bool { want = append(want, Entry{k, d}); return true })
		if !equalEntries(got, want) {
			t.Errorf("from %x to %x: proved %+v, want %+v", start, end, got, want)
		}
		if !bytes.Equal(proof, tree.ProveRange(start, end)) {
			t.Errorf("two proofs of one thing")
		}
	})
}

// FuzzAnswer: a walk that gets nonsense ends with the same result.
func FuzzAnswer(f *testing.F) {
	p := MustProfile(fuzzOptions)
	mine, theirs := buildNo(p, nil, 60), buildNo(p, nil, 70)
	for levels := range 3 {
		pull := NewPuller(mine, theirs.Root(), PullOptions{SummaryLevels: levels})
		for at := byte(0); !pull.Done(); at++ {
			w := pull.Next(1)[0]
			answer, _ := theirs.Answer(nil, w)
			f.Add(uint8(levels), at, answer)
			if err := pull.Receive(w.ID, answer); err != nil {
				f.Fatal(err)
			}
		}
	}
	f.Fuzz(func(t *testing.T, levels, at uint8, bad []byte) {
		pull := NewPuller(mine, theirs.Root(), PullOptions{SummaryLevels: int(levels % 4)})
		found := 0
		for n := byte(0); !pull.Done(); n++ {
			w := pull.Next(1)[0]
			if n == at {
				if err := pull.Receive(w.ID, bad); err == nil {
					continue
				} else if !errors.Is(err, protocol.ErrMalformed) {
					t.Fatalf("got %v, want ErrMalformed", err)
				}
			}
			answer, ok := theirs.Answer(nil, w)
			if !ok && w.Form != FormSlots {
				t.Fatalf("no answer to %+v", w)
			}
			if err := pull.Receive(w.ID, answer); err != nil && w.Form != FormSlots {
				t.Fatal(err)
			}
			pull.Retry()
		}
		pull.Drain(func(d Difference) { found++ })
		if found != 10 {
			t.Errorf("got %d differences, want 10", found)
		}
	})
}

// FuzzWant: what the decoder accepts encodes to the same bytes again, and a
// tree answers it or says no.
func FuzzWant(f *testing.F) {
	tree := buildNo(MustProfile(fuzzOptions), nil, 50)
	f.Add(Want{ID: idOf(tree.Root()), Form: FormPage}.Append(nil))
	f.Add(Want{ID: idOf(tree.Root()), Form: FormSlots, After: []byte("a"), Indices: []uint16{0, 7, 300}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		w := ReadWant(&r)
		if err := r.Finish(); err != nil {
			if !errors.Is(err, protocol.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			return
		}
		if again := w.Append(nil); !bytes.Equal(again, b) || w.Size() != len(b) {
			t.Errorf("accepted %x, which encodes to %x", b, again)
		}
		tree.Answer(nil, w)
	})
}
