package mst

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func drawPullOptions() *rapid.Generator[PullOptions] {
	return rapid.Custom(func(t *rapid.T) PullOptions {
		return PullOptions{SummaryLevels: rapid.IntRange(0, 3).Draw(t, "summary levels")}
	})
}

// collect takes out what a puller found, in ascending order.
func collect(p *Puller, into []Difference) []Difference {
	p.Drain(func(d Difference) { into = append(into, d) })
	slices.SortStableFunc(into, func(a, b Difference) int { return bytes.Compare(a.Key, b.Key) })
	return into
}

// traffic is what a walk costs on the wire, without frames.
type traffic struct{ rounds, asked, answered, pages int }

// walk lets a puller walk to the end.
func walk(t require, p *Puller, theirs Tree, limit int) (c traffic, found []Difference) {
	for !p.Done() {
		c.rounds++
		wants := p.Next(limit)
		if len(wants) == 0 {
			t.Fatalf("nothing wanted, and not done")
		}
		for _, w := range wants {
			answer, ok := theirs.Answer(nil, w)
			if !ok {
				t.Fatalf("no answer to %+v", w)
			}
			if err := p.Receive(w.ID, answer); err != nil {
				t.Fatalf("%v", err)
			}
			c.asked += w.Size()
			c.answered += len(answer)
		}
		found = collect(p, found)
	}
	c.pages = p.pages
	return c, collect(p, found)
}

func TestWalkFindsTheSymmetricDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mine, wantMine, theirs, wantTheirs := drawPair(t, drawOptions().Draw(t, "options"))
		p := NewPuller(mine, theirs.Root(), drawPullOptions().Draw(t, "pull"))
		_, found := walk(t, p, theirs, rapid.SampledFrom([]int{1, 2, 7, 1000}).Draw(t, "limit"))
		checkDifferences(t, found, differences(wantMine, wantTheirs))
		checkSame(t, mine, wantMine)
		checkSame(t, theirs, wantTheirs)
	})
}

// With answers that are lost, come late, twice or damaged, the walk is still
// exact, and both trees stay what they were at every point of it.
func TestWalkOverABadNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mine, wantMine, theirs, wantTheirs := drawPair(t, drawOptions().Draw(t, "options"))
		want := differences(wantMine, wantTheirs)
		p := NewPuller(mine, theirs.Root(), drawPullOptions().Draw(t, "pull"))
		var found []Difference
		for !p.Done() {
			wants := p.Next(rapid.IntRange(1, 9).Draw(t, "limit"))
			for _, w := range rapid.Permutation(wants).Draw(t, "order") {
				answer, ok := theirs.Answer(nil, w)
				if !ok && w.Form == FormSlots { // of a damaged summary
					continue
				}
				if !ok {
					t.Fatalf("no answer to %+v", w)
				}
				fate := rapid.IntRange(0, 5).Draw(t, "fate")
				switch fate {
				case 0: // lost
					continue
				case 1:
					bad := bytes.Clone(answer)
					bad[rapid.IntRange(0, len(bad)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
					// A damaged summary is not noticed before the page is put
					// together; then the whole page is asked for.
					err := p.Receive(w.ID, bad)
					if err == nil && Form(answer[0]) == FormPage {
						t.Fatalf("took a damaged answer")
					}
					if err != nil && !errors.Is(err, protocol.ErrMalformed) {
						t.Fatalf("got %v, want ErrMalformed", err)
					}
					if err == nil {
						continue
					}
				case 2:
					cut := rapid.IntRange(0, len(answer)-1).Draw(t, "cut")
					if err := p.Receive(w.ID, answer[:cut]); !errors.Is(err, protocol.ErrMalformed) {
						t.Fatalf("got %v for a cut answer, want ErrMalformed", err)
					}
				}
				if p.flight[w.ID] == nil { // slots that did not fit: the page is asked for
					continue
				}
				if err := p.Receive(w.ID, answer); err != nil && Form(answer[0]) != FormSlots {
					t.Fatalf("%v", err)
				}
				if fate == 3 {
					if err := p.Receive(w.ID, answer); p.flight[w.ID] == nil && !errors.Is(err, ErrUnwanted) {
						t.Fatalf("got %v for a second answer, want ErrUnwanted", err)
					}
				}
			}
			if rapid.Bool().Draw(t, "drain") {
				found = collect(p, found)
			}
			p.Retry()
		}
		checkDifferences(t, collect(p, found), want)
		checkSame(t, mine, wantMine)
		checkSame(t, theirs, wantTheirs)
	})
}

// A walk that is given up reports nothing that is not so, and what was taken
// over of it need not be found again.
func TestWalkGivenUpIsNoLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		mine, _, theirs, wantTheirs := drawPair(t, o)
		for range 200 {
			p := NewPuller(mine, theirs.Root(), drawPullOptions().Draw(t, "pull"))
			if p.Done() && len(p.found) == 0 {
				break
			}
			for range rapid.IntRange(1, 20).Draw(t, "answers") {
				for _, w := range p.Next(1) {
					answer, _ := theirs.Answer(nil, w)
					if err := p.Receive(w.ID, answer); err != nil {
						t.Fatalf("%v", err)
					}
				}
			}
			e := mine.Edit()
			p.Drain(func(d Difference) {
				if want, ok := wantTheirs[string(d.Key)]; ok != d.HasTheirs || want != d.Theirs {
					t.Fatalf("%q: got %x %t, want %x %t", d.Key, d.Theirs, d.HasTheirs, want, ok)
				}
				if d.HasTheirs {
					e.Put(d.Key, d.Theirs)
				} else {
					e.Delete(d.Key)
				}
			})
			mine = e.Commit()
		}
		checkSame(t, mine, wantTheirs)
	})
}

func TestWalkOfEqualTreesAsksForNothing(t *testing.T) {
	p := MustProfile(Options{})
	tree := buildNo(p, nil, 100)
	if pull := NewPuller(tree, tree.Root(), PullOptions{}); !pull.Done() || len(collect(pull, nil)) != 0 {
		t.Errorf("a walk of equal trees is not done at once")
	}
	pull := NewPuller(tree, Hash{}, PullOptions{})
	if got := collect(pull, nil); !pull.Done() || len(got) != 100 || got[0].HasTheirs {
		t.Errorf("got %d differences to the empty tree, want 100", len(got))
	}
}

func TestWalkGivesUpAfterTooManyPages(t *testing.T) {
	p := MustProfile(Options{})
	theirs := buildNo(p, nil, 1000)
	pull := NewPuller(New(p, nil), theirs.Root(), PullOptions{MaxPages: 3})
	for range 4 {
		w := pull.Next(1)[0]
		answer, _ := theirs.Answer(nil, w)
		if err := pull.Receive(w.ID, answer); err != nil {
			if pull.pages != 3 || !errors.Is(err, protocol.ErrMalformed) {
				t.Errorf("got %v after %d pages, want ErrMalformed after 3", err, pull.pages)
			}
			return
		}
	}
	t.Errorf("took 4 pages, want 3")
}

// With a small limit the puller asks for the lowest pages first, so that it
// never remembers many.
func TestWalkWithSmallBatchesRemembersFew(t *testing.T) {
	p := MustProfile(Options{Base: 4})
	theirs := buildNo(p, nil, 20_000)
	pull := NewPuller(New(p, nil), theirs.Root(), PullOptions{})
	most := 0
	for !pull.Done() {
		for _, w := range pull.Next(4) {
			answer, _ := theirs.Answer(nil, w)
			if err := pull.Receive(w.ID, answer); err != nil {
				t.Fatal(err)
			}
		}
		most = max(most, len(pull.pending)+len(pull.flight)+len(pull.asked))
		pull.Drain(func(Difference) {})
	}
	if most > 300 || pull.pages < 4000 {
		t.Errorf("remembered %d of %d pages", most, pull.pages)
	}
}
