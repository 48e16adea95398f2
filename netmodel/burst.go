package netmodel

import (
	"fmt"
	"math/big"
	"math/bits"
	"time"
)

// burst is a GilbertElliott model made ready.
//
// Whether a link is bad at time t is a pure function of (seed, from, to, t):
// nothing is remembered of a link, and nobody's traffic moves its state.
// Time is divided into cells so long (40 times the chain's relaxation time)
// that the states at their borders are independent, up to e^-40. Inside a
// cell, the state in the middle is drawn given the states at both ends, then
// in the middle of the half that holds t, and so on, down to an interval no
// longer than 1/256 of the shorter mean stay; the state at its start counts
// for all of it. On that grid the states have exactly the joint distribution
// of the Markov chain.
type burst struct {
	good, bad  uint64 // probabilities of loss
	stationary uint64 // probability to be bad
	cell       uint   // log2 of a cell's length in nanoseconds
	// middle[i][a<<1|c] is the probability to be bad in the middle of an
	// interval of 2^(cell-i) ns that begins in state a and ends in state c
	// (0 good, 1 bad).
	middle [][4]uint64
}

// lost draws whether a datagram that enters the link at time t is lost: state
// is the link's key, u uniform.
func (b *burst) lost(state uint64, t int64, u uint64) LossReason {
	if b.isBad(state, t) {
		if hit(u, b.bad) {
			return LostBurst
		}
		return Delivered
	}
	if hit(u, b.good) {
		return LostRandom
	}
	return Delivered
}

// isBad tells the state of the link with the given key at time t.
func (b *burst) isBad(key uint64, t int64) bool {
	half := uint64(1) << b.cell
	start := uint64(t) &^ (half - 1)
	ends := isBelow(sub(key, start), b.stationary)<<1 | isBelow(sub(key, start+half), b.stationary)
	for i := range b.middle {
		half >>= 1
		middle := start | half
		// No two points of time share a number, so the key's stream at that
		// position belongs to this point alone.
		state := isBelow(sub(key, middle), b.middle[i][ends&3])
		if uint64(t)&half != 0 {
			start, ends = middle, state<<1|ends&1
		} else {
			ends = ends&2 | state
		}
	}
	return ends&2 != 0
}

// isBelow is 1 if u < p, else 0.
func isBelow(u, p uint64) uint64 {
	_, borrow := bits.Sub64(u, p, 0)
	return borrow
}

// lossAt is the probability of loss on the link with the given key at time t.
func (b *burst) lossAt(key uint64, t int64) uint64 {
	if b.isBad(key, t) {
		return b.bad
	}
	return b.good
}

// average is the long-run probability of loss.
func (b *burst) average() uint64 {
	return below(b.bad, b.stationary) + below(b.good, ^b.stationary)
}

const (
	leastStay  = 2 * time.Microsecond
	burstScale = 192 // fractional bits of the fixed point the chain is computed in
	cellLength = 40  // relaxation times in a cell, at least
	grain      = 256 // parts of the shorter mean stay, at least, that are told apart
)

func newBurst(field string, c GilbertElliott) (*burst, error) {
	for _, stay := range []struct {
		name string
		d    time.Duration
	}{{"MeanGood", c.MeanGood}, {"MeanBad", c.MeanBad}} {
		if stay.d < leastStay || stay.d > MaxDelay {
			return nil, fmt.Errorf("%s.%s: got %v, want %v to %v", field, stay.name, stay.d, leastStay, MaxDelay)
		}
	}
	chain := newChain(int64(c.MeanGood), int64(c.MeanBad))
	b := &burst{good: c.LossGood, bad: c.LossBad, stationary: threshold(chain.bad, chain.one)}
	for !chain.relaxed(b.cell) {
		b.cell++
	}
	for length := b.cell; (int64(1)<<length)*grain > int64(min(c.MeanGood, c.MeanBad)); length-- {
		b.middle = append(b.middle, chain.bridge(length-1))
	}
	return b, nil
}

// chain is the two-state Markov chain in continuous time, in integers of one =
// 2^burstScale.
type chain struct {
	one, bad, good *big.Int // 1 and the stationary probabilities
	sum, product   *big.Int // of the mean stays in ns: the relaxation time is product / sum
}

func newChain(meanGood, meanBad int64) *chain {
	g, b := big.NewInt(meanGood), big.NewInt(meanBad)
	c := &chain{
		one:     new(big.Int).Lsh(big.NewInt(1), burstScale),
		sum:     new(big.Int).Add(g, b),
		product: new(big.Int).Mul(g, b),
	}
	c.bad = new(big.Int).Mul(c.one, b)
	c.bad.Quo(c.bad, c.sum)
	c.good = new(big.Int).Sub(c.one, c.bad)
	return c
}

// relaxed tells whether 2^length ns are cellLength relaxation times.
func (c *chain) relaxed(length uint) bool {
	have := new(big.Int).Lsh(c.sum, length)
	want := new(big.Int).Mul(c.product, big.NewInt(cellLength))
	return have.Cmp(want) >= 0
}

// bridge is the probability to be bad after 2^length ns, for each pair of
// states now and after twice that time.
func (c *chain) bridge(length uint) (p [4]uint64) {
	once, twice := c.transition(length), c.transition(length+1)
	for a := range 2 {
		for e := range 2 {
			both := new(big.Int).Mul(once[a][1], once[1][e])
			both.Quo(both, c.one)
			p[a<<1|e] = threshold(both, twice[a][e])
		}
	}
	return p
}

// transition is the matrix of probabilities to go from a state (0 good, 1
// bad) to another in 2^length ns.
func (c *chain) transition(length uint) (p [2][2]*big.Int) {
	decay := c.decay(length)
	keep := func(stationary *big.Int) *big.Int { // stationary + (1 - stationary) * decay
		rest := new(big.Int).Sub(c.one, stationary)
		rest.Mul(rest, decay)
		return rest.Quo(rest, c.one).Add(rest, stationary)
	}
	p[0][0], p[1][1] = keep(c.good), keep(c.bad)
	p[0][1] = new(big.Int).Sub(c.one, p[0][0])
	p[1][0] = new(big.Int).Sub(c.one, p[1][1])
	return p
}

// decay is e^-x, with x = 2^length ns / relaxation time: the Taylor series at
// x / 2^64, then squared 64 times.
func (c *chain) decay(length uint) *big.Int {
	const squarings = 64
	x := new(big.Int).Lsh(c.sum, burstScale+length)
	x.Quo(x, c.product)
	x.Rsh(x, squarings)
	sum, term := new(big.Int).Set(c.one), new(big.Int).Set(c.one)
	for n := int64(1); term.Sign() != 0; n++ {
		term.Mul(term, x).Quo(term, c.one).Quo(term, big.NewInt(-n))
		sum.Add(sum, term)
	}
	for range squarings {
		sum.Mul(sum, sum).Quo(sum, c.one)
	}
	return sum
}

// threshold is part / whole out of 2^64.
func threshold(part, whole *big.Int) uint64 {
	q := new(big.Int).Lsh(part, 64)
	q.Quo(q, whole)
	if !q.IsUint64() {
		return Always
	}
	return q.Uint64()
}
