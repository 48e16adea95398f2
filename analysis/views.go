package analysis

import "math/bits"

// views follows who has whom in its view. It keeps one bit per pair of
// members: counting alone would not do, since a crash takes away a row and a
// column whose bits count no more.
type views struct {
	truth *truth
	rows  []bitset // by subject: who has it as alive or suspect; nil if not tracked
	seen  bitset   // members that ever had anybody in their view
	pairs int64    // (live, live)
	ghost int64    // (live, not live)

	lastJoin, joined int64 // joined is -1 while somebody misses somebody
	healed, whole    int64 // healed is -1 if no cut has ended
	joining, healing bool
	anyJoin, anyHeal bool
}

func (v *views) tracked() bool { return v.rows != nil }

func (v *views) has(observer, subject int) bool {
	return v.tracked() && v.rows[subject] != nil && v.rows[subject].has(observer)
}

// blank reports whether nothing is known about a member's view: it started
// with one of which no event told.
func (v *views) blank(observer int) bool {
	return v.seen == nil || !v.seen.has(observer)
}

func (v *views) add(observer, subject int) {
	if !v.tracked() {
		return
	}
	if v.rows[subject] == nil {
		v.rows[subject] = newBitset(len(v.rows))
	}
	if v.rows[subject].has(observer) {
		return
	}
	if v.seen == nil {
		v.seen = newBitset(len(v.rows))
	}
	v.seen.add(observer)
	v.rows[subject].add(observer)
	v.change(subject, 1)
	v.check()
}

// knowsFirst puts the first n nodes into the view of one of them.
func (v *views) knowsFirst(observer, n int) {
	for subject := range n {
		if subject != observer {
			v.add(observer, subject)
		}
	}
}

func (v *views) remove(observer, subject int) {
	if v.has(observer, subject) {
		v.rows[subject].remove(observer)
		v.change(subject, -1)
		v.check()
	}
}

// change counts pairs with a subject, by whether it is live. It does not check:
// in the middle of a departure the numbers mean nothing.
func (v *views) change(subject int, by int64) {
	if v.truth.members[subject].status == live {
		v.pairs += by
	} else {
		v.ghost += by
	}
}

// started is told after the truth has changed.
func (v *views) started(i int, again bool) {
	if !v.tracked() {
		return
	}
	v.ghost -= v.column(i)
	v.pairs += v.column(i)
	if !again {
		v.anyJoin, v.joining, v.lastJoin = true, true, v.truth.c.now
	}
	v.check()
}

// departed is told after the truth has changed.
func (v *views) departed(i int) {
	if !v.tracked() {
		return
	}
	v.pairs -= v.column(i)
	v.ghost += v.column(i)
	word, bit := i/64, uint64(1)<<(i%64)
	for subject, row := range v.rows {
		if row != nil && row[word]&bit != 0 {
			row[word] &^= bit
			v.change(subject, -1)
		}
	}
	if v.seen != nil {
		v.seen.remove(i)
	}
	v.check()
}

// column counts the members that have i in their view.
func (v *views) column(i int) int64 {
	n := 0
	for _, w := range v.rows[i] {
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

func (v *views) want() int64 { return int64(v.truth.live) * int64(v.truth.live-1) }

// check notes the moment at which everybody has everybody.
func (v *views) check() {
	if (!v.joining && !v.healing) || v.pairs != v.want() {
		return
	}
	now := v.truth.c.now
	if v.joining {
		v.joining, v.joined = false, now
	}
	if v.healing {
		v.healing, v.whole = false, now
	}
}

func (v *views) cutBegan() { v.healing = false; v.anyHeal = false }

func (v *views) cutsEnded() {
	v.anyHeal, v.healing, v.healed = true, true, v.truth.c.now
	if v.tracked() {
		v.check()
	}
}
