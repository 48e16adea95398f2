package mst

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// ErrUnwanted is returned for an answer to a page that is not asked for at
// present.
var ErrUnwanted = errors.New("page not wanted")

// DefaultMaxPages is how many pages a Puller takes if not told otherwise: a
// tree of 16 M keys at base 16.
const DefaultMaxPages = 1 << 20

// PullOptions are the parameters of a [Puller]. The zero value is the default.
type PullOptions struct {
	// MaxPages is how many pages the puller takes before it gives up, which
	// bounds its memory and time whatever the other side sends; 0 means
	// DefaultMaxPages.
	MaxPages int
	// SummaryLevels is the number of levels, from 0 up, of whose pages the
	// puller first asks for eight bytes a slot, and then for the slots that it
	// has not: less than half the bytes for a round more each level.
	SummaryLevels int
}

// Puller walks a tree at the other end of a network from its root downwards,
// next to a tree here, and finds what each has that the other lacks. It asks
// only for pages that the tree here does not have in the same place, by hash.
//
// It asks with Next and takes answers with Receive, in any order, until Done;
// what it has found is taken out with Drain, in between or at the end. All
// that it reports is certain, because each page was checked against a hash
// that leads to the root. It changes nothing: a walk that is given up leaves
// nothing behind, and the next one skips what has become equal.
type Puller struct {
	tree    Tree
	options PullOptions
	pages   int
	pending []*wanted // asked for from the end
	flight  map[PageID]*wanted
	asked   []*wanted // those of flight in the order of asking, and some answered ones
	found   []finding
	scratch scratch
}

// wanted is a page of the other side that is not known here.
type wanted struct {
	hash Hash
	gap  gap
	mine *page // our keys in the gap
	form Form

	// After the summary: the page's level, its slots, nil where they are not
	// known, and the indices of these.
	level uint8
	slots [][]byte
	need  []uint16
}

// finding is a difference, or a subtree of ours that the other side lacks.
type finding struct {
	Difference
	sub *page
}

// NewPuller returns a Puller that compares mine with the tree of the same
// profile that has the root theirs.
func NewPuller(mine Tree, theirs Hash, o PullOptions) *Puller {
	if o.MaxPages == 0 {
		o.MaxPages = DefaultMaxPages
	}
	p := &Puller{tree: mine, options: o, flight: make(map[PageID]*wanted)}
	p.compare(mine.root, theirs, anywhere)
	return p
}

// compare compares our keys in a gap with the other side's page there.
func (p *Puller) compare(mine *page, theirs Hash, g gap) {
	if theirs.IsZero() {
		if mine != nil {
			p.found = append(p.found, finding{sub: mine})
		}
		return
	}
	mine = seal(mine, p.tree.profile, nil, &p.scratch)
	if mine != nil && mine.hash == theirs {
		return
	}
	w := &wanted{hash: theirs, gap: g, mine: mine, form: FormPage}
	if g.below <= p.options.SummaryLevels && mine != nil && int(mine.level) < g.below { // else we have little like it
		w.form = FormSummary
	}
	p.pending = append(p.pending, w)
}

// Done reports whether the whole difference has been found.
func (p *Puller) Done() bool { return len(p.pending) == 0 && len(p.flight) == 0 }

// Next returns at most limit pages to ask the other side for, and counts them
// as asked for. There are none when all known ones are asked for; with a large
// limit this goes a level a round. With a small one the lowest levels come
// first, so that the puller remembers few.
func (p *Puller) Next(limit int) []Want {
	from := max(len(p.pending)-limit, 0)
	batch := slices.Clone(p.pending[from:])
	clear(p.pending[from:])
	p.pending = p.pending[:from]
	wants := make([]Want, 0, len(batch))
	for _, w := range batch {
		id := idOf(w.hash)
		if p.flight[id] != nil { // two pages of one ID: one after the other
			p.pending = append(p.pending, w)
			continue
		}
		p.flight[id] = w
		p.asked = append(p.asked, w)
		wants = append(wants, Want{ID: id, Form: w.form, After: w.gap.lo, Indices: w.need})
	}
	return wants
}

// Retry makes Next return again what was asked for and has not been answered:
// whole pages instead of slots, as the other side may not have these.
func (p *Puller) Retry() {
	for _, w := range p.asked {
		if id := idOf(w.hash); p.flight[id] == w {
			delete(p.flight, id)
			form := w.form
			if form == FormSlots {
				form = FormPage
			}
			p.again(w, form)
		}
	}
	p.asked = p.asked[:0]
}

// Receive takes the answer to the want with this ID. The error is ErrUnwanted
// if there is none, or wraps ErrMalformed if the answer is not what was
// wanted; then the page stays wanted, to be answered or asked for again. The
// puller does not keep answer.
func (p *Puller) Receive(id PageID, answer []byte) error {
	w := p.flight[id]
	if w == nil {
		return fmt.Errorf("mst pull: page %x: %w", id, ErrUnwanted)
	}
	if p.pages >= p.options.MaxPages {
		return fmt.Errorf("mst pull: got more than %d pages: %w", p.options.MaxPages, protocol.ErrMalformed)
	}
	if len(answer) == 0 {
		return fmt.Errorf("mst pull: got an empty answer: %w", protocol.ErrMalformed)
	}
	form, body := Form(answer[0]), answer[1:]
	switch {
	case form == FormPage && w.form == FormPage:
		n, err := p.tree.profile.decodePage(slices.Clone(body), w.hash, w.gap, &p.scratch)
		if err != nil {
			return err
		}
		p.answered(w)
		p.page(w, n)
		return nil
	case form == FormSummary && w.form == FormSummary:
		return p.summary(w, body)
	case form == FormSlots && w.form == FormSlots:
		return p.slots(w, body)
	}
	return fmt.Errorf("mst pull: got form %d, want %d: %w", form, w.form, protocol.ErrMalformed)
}

// answered takes w out of what is asked for.
func (p *Puller) answered(w *wanted) {
	delete(p.flight, idOf(w.hash))
	if len(p.asked) > 2*len(p.flight)+16 {
		p.asked = slices.DeleteFunc(p.asked, func(w *wanted) bool { return p.flight[idOf(w.hash)] != w })
	}
}

// again puts w, which is not asked for, back among what is to be asked for.
func (p *Puller) again(w *wanted, form Form) {
	if w.form = form; form == FormPage {
		w.slots, w.need = nil, nil
	}
	p.pending = append(p.pending, w)
}

// page compares a page of the other side with what we have in its gap.
func (p *Puller) page(w *wanted, n *node) {
	p.pages++
	c := cut(w.mine, n.keys)
	for i := 0; ; i++ {
		p.compare(c.pieces[i], n.kid(i), n.gap(i, w.gap))
		if i == len(n.keys) {
			return
		}
		if mine := c.mine[i]; mine == nil || digestOf(mine) != digestOf(n.digests[i]) {
			p.found = append(p.found, finding{Difference: Difference{
				Key: n.keys[i], Mine: digestOf(mine), Theirs: digestOf(n.digests[i]),
				HasMine: mine != nil, HasTheirs: true,
			}})
		}
	}
}

// Drain calls visit for each difference that was found since the last Drain:
// in ascending order within a page, each key once in a walk.
func (p *Puller) Drain(visit func(Difference)) {
	found := p.found
	p.found = nil
	for _, f := range found {
		if f.sub == nil {
			visit(f.Difference)
			continue
		}
		f.sub.each(nil, nil, func(key, digest []byte) bool {
			visit(Difference{Key: key, Mine: digestOf(digest), HasMine: true})
			return true
		})
	}
}
