package membertable

import (
	"math/bits"

	"github.com/starling-sim/starling/protocol"
)

// Round is one pass of probing over all members in random order, each exactly
// once (SWIM, section 4.3), in a few words of memory however large the table.
// Its zero value is a round that is over.
//
// The IDs are divided by their first bits into slots, between four and eight for
// each member that there is when the round begins (512 at least). A keyed permutation of the
// slots' numbers is their order. The members of a slot (mostly none or one)
// follow each other in an order of the slot's own. So an ID's place in the
// round has nothing to do with the table it is in, and changes of membership
// during a round move nobody.
type Round struct {
	key   uint64
	bits  uint8 // of an ID that name its slot; fixed when the round begins
	begun bool
	live  bool
	turn  uint64 // slots left behind
	from  uint64 // first place in the present slot not yet visited
}

// NewRound returns a round in an order that depends on the key, and on the
// number of members when Next is first called.
func NewRound(key uint64) Round { return Round{key: protocol.Mix(key), live: true} }

// Next returns the next member of the round among the members of t in the
// states of set that accept (if not nil) accepts; false when the round is over
// (which it is, too, if there is nobody to visit).
//
// T may be another table each time: whoever is acceptable all the time is
// returned exactly once, nobody is returned twice, and a newcomer's place is as
// random as everybody else's (if it lies behind already, the newcomer waits
// for the next round). All calls of a round together look at no more slots
// than eight times the members at its beginning (or 512), and look at nobody
// outside set, so that many dead members cost nothing.
func (r *Round) Next(t Table, set StatusSet, accept func(Member) bool) (Member, bool) {
	if r.live && !r.begun {
		r.begin(t.CountIn(set))
	}
	for r.live && t.CountIn(set) > 0 {
		found := r.seek(t.root, set)
		if found == nil {
			r.nextSlot()
			continue
		}
		if accept == nil || accept(found.Member) {
			return found.Member, true
		}
	}
	r.live = false
	return Member{}, false
}

func (r *Round) begin(members int) {
	r.begun = true
	r.bits = uint8(max(bits.Len(uint(members))+2, minSlotBits))
	r.from = r.slot() << r.rest()
}

func (r *Round) nextSlot() {
	r.turn++
	r.live = r.turn>>r.bits == 0
	r.from = r.slot() << r.rest()
}

// rest is the number of bits of an ID after those that name its slot. There are
// fewer than 2^32 members, so that it is at least 30.
func (r *Round) rest() uint { return 64 - uint(r.bits) }

// minSlotBits keeps slots with two members rare where members are few: these
// two are neighbours in every round, and so less often first or last than
// others, which is seen only if ranks are few.
const minSlotBits = 9

// slot returns the number of the slot whose turn it is: a Feistel network on
// the turn's bits, in halves that may differ by one bit.
func (r *Round) slot() uint64 {
	low := uint(r.bits) / 2
	high := uint(r.bits) - low
	x := (r.turn ^ r.key) & (1<<r.bits - 1)
	a, b := x>>low, x&(1<<low-1)
	for i := range uint64(feistelRounds) {
		b ^= protocol.Mix(r.key+(2*i+1)<<32+a) & (1<<low - 1)
		a ^= protocol.Mix(r.key+(2*i+2)<<32+b) & (1<<high - 1)
	}
	return a<<low | b
}

const feistelRounds = 3 // of both halves

// seek returns the first member of the present slot that was not visited yet,
// in ascending order of place, and leaves it behind; nil if there is none. A
// member's place is its ID with the bits after the slot's masked at random, so
// that whole subtrees are before or after a place.
func (r *Round) seek(root *node, set StatusSet) *record {
	last := r.from | (1<<r.rest() - 1)
	s := seeker{
		set:  set,
		mask: r.mask(r.from >> r.rest()),
		from: r.from,
		to:   last,
	}
	s.visit(root, true, true)
	switch {
	case s.found == nil:
	case s.place == last:
		r.nextSlot()
	default:
		r.from = s.place + 1
	}
	return s.found
}

// mask returns what the IDs of a slot are masked with to give their places.
func (r *Round) mask(slot uint64) uint64 {
	return protocol.Mix(r.key^protocol.Mix(slot+1)) & (1<<r.rest() - 1)
}

// seeker looks for the member in set with the smallest place in [from, to].
type seeker struct {
	set      StatusSet
	mask     uint64
	from, to uint64
	found    *record
	place    uint64 // of found
}

// visit looks below n and returns whether it found somebody. AtFrom and atTo
// say that the range begins or ends below n and not before or after it.
func (s *seeker) visit(n *node, atFrom, atTo bool) bool {
	if n.kids == nil {
		s.visitRows(n)
		return s.found != nil
	}
	first, last := 0, fanout-1
	if atFrom {
		first = digit(protocol.NodeID(s.from), n.level)
	}
	if atTo {
		last = digit(protocol.NodeID(s.to), n.level)
	}
	masked := digit(protocol.NodeID(s.mask), n.level)
	for p := first; p <= last; p++ {
		kid := n.kids[p^masked]
		if kid == nil || kid.countIn(s.set) == 0 {
			continue
		}
		if s.visit(kid, atFrom && p == first, atTo && p == last) {
			return true
		}
	}
	return false
}

func (s *seeker) visitRows(leaf *node) {
	for _, r := range leaf.rows {
		place := uint64(r.ID) ^ s.mask
		if place < s.from || place > s.to || !s.set.Has(r.Status) {
			continue
		}
		if s.found == nil || place < s.place {
			s.found, s.place = r, place
		}
	}
}
