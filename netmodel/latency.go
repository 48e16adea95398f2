package netmodel

import (
	"fmt"
	"math/bits"
	"time"
)

type latencyKind uint8

const (
	latencyConstant latencyKind = iota
	latencyUniform
	latencyNormal
	latencyLogNormal
	latencyMatrix
)

// latency is a Latency made ready.
type latency struct {
	kind latencyKind
	// base is the constant, the minimum, the mean or the median, in
	// nanoseconds.
	base int64
	// span is the width of the uniform distribution in nanoseconds, the
	// standard deviation in nanoseconds, or log2(P90/Median)/z90 in 2^-28.
	span uint64
	// first and width are the range of arguments of the quantile function that
	// a truncated distribution draws from: first to first+width.
	first, width uint64
	// places is the number of places, place each node's, oneWay the delay in
	// nanoseconds from place i to place j at i*places+j.
	places uint64
	place  []uint16
	oneWay []uint32
	jitter uint64
}

// draw is the delay from one node to another that a uniform number u gives.
func (l *latency) draw(from, to uint32, u uint64) int64 {
	switch l.kind {
	case latencyConstant:
		return l.base
	case latencyUniform:
		return l.base + int64(below(u, l.span))
	case latencyMatrix:
		base := uint64(l.oneWay[uint64(l.place[from])*l.places+uint64(l.place[to])])
		return int64(base + below(u, below(l.jitter, base)))
	default:
		return l.quantile(l.within(u))
	}
}

// within maps a uniform number to a uniform argument of the quantile function
// of the truncated distribution.
func (l *latency) within(u uint64) uint64 {
	hi, lo := bits.Mul64(u, l.width)
	_, carry := bits.Add64(lo, u, 0)
	return l.first + hi + carry
}

// quantile is the quantile function of the distribution before truncation.
func (l *latency) quantile(u uint64) int64 {
	z := normalQuantile(u)
	if l.kind == latencyNormal {
		return l.base + scaleZ(int64(l.span), z)
	}
	e := int64(l.span) * z
	return scaleExp2(l.base, e>>q28)
}

// median is the delay between two nodes that half of all draws do not exceed.
func (l *latency) median(from, to uint32) int64 { return l.draw(from, to, 1<<63) }

// newLatency makes a latency model ready and finds the least delay it draws
// between two nodes.
func (m *Model) newLatency(cfg Latency) (least int64, err error) {
	l := &m.latency
	switch c := cfg.(type) {
	case Constant:
		*l = latency{kind: latencyConstant, base: int64(c.Delay)}
		return l.base, checkDelay("Latency.Delay", c.Delay)
	case Uniform:
		if err := checkRange(c.Min, c.Max); err != nil {
			return 0, err
		}
		*l = latency{kind: latencyUniform, base: int64(c.Min), span: uint64(c.Max - c.Min)}
		return l.base, nil
	case Normal:
		if err := checkDelay("Latency.Mean", c.Mean); err != nil {
			return 0, err
		}
		if err := checkDelay("Latency.StdDev", c.StdDev); err != nil {
			return 0, err
		}
		*l = latency{kind: latencyNormal, base: int64(c.Mean), span: uint64(c.StdDev)}
		return l.truncate(c.Min, c.Max)
	case LogNormal:
		if c.Median < 1 || c.Median > MaxDelay {
			return 0, fmt.Errorf("Latency.Median: got %v, want 1ns to %v", c.Median, MaxDelay)
		}
		if c.P90 < c.Median || c.P90 > MaxDelay || c.P90/maxSpread > c.Median {
			return 0, fmt.Errorf("Latency.P90: got %v with a median of %v, want the median to %d times the median", c.P90, c.Median, maxSpread)
		}
		s := uint64(log2Ratio(uint64(c.P90), uint64(c.Median))) << q28 / z90
		*l = latency{kind: latencyLogNormal, base: int64(c.Median), span: s}
		return l.truncate(c.Min, c.Max)
	case RegionMatrix:
		return m.newRegionLatency(c)
	case PairMatrix:
		return m.newPairLatency(c)
	case nil:
		return 0, fmt.Errorf("Latency: got none, want Constant, Uniform, Normal, LogNormal, RegionMatrix or PairMatrix")
	}
	return 0, fmt.Errorf("Latency: got %T, want Constant, Uniform, Normal, LogNormal, RegionMatrix or PairMatrix", cfg)
}

// maxSpread bounds P90 / Median of a LogNormal, so that the products of
// [latency.quantile] fit 64 bits. Measured ratios are below ten.
const maxSpread = 1000

func checkDelay(field string, d time.Duration) error {
	if d < 0 || d > MaxDelay {
		return fmt.Errorf("%s: got %v, want 0s to %v", field, d, MaxDelay)
	}
	return nil
}

func checkRange(least, most time.Duration) error {
	if err := checkDelay("Latency.Min", least); err != nil {
		return err
	}
	if most < least || most > MaxDelay {
		return fmt.Errorf("Latency.Max: got %v, want Min (%v) to %v", most, least, MaxDelay)
	}
	return nil
}

// leastShare is the least part of a distribution that a truncation may leave,
// 2^-20: below it the table's resolution would show.
const leastShare = 1 << 44

// truncate restricts the quantile function to arguments whose delays are in
// [least, most], and returns the smallest of these.
func (l *latency) truncate(least, most time.Duration) (int64, error) {
	if most == 0 {
		most = MaxDelay
	}
	if err := checkRange(least, most); err != nil {
		return 0, err
	}
	first, ok := l.firstArgument(int64(least))
	beyond, all := l.firstArgument(int64(most) + 1)
	last := beyond - 1 // wraps around to the largest if there is nothing beyond
	if !ok || (all && beyond <= first) || last-first < leastShare {
		return 0, fmt.Errorf("Latency.Min and Max: got %v and %v, want bounds that at least a millionth of all delays meets", least, most)
	}
	l.first, l.width = first, last-first
	return l.quantile(first), nil
}

// firstArgument is the smallest u whose quantile is at least d, if there is
// one.
func (l *latency) firstArgument(d int64) (uint64, bool) {
	if l.quantile(^uint64(0)) < d {
		return 0, false
	}
	u := ^uint64(0) // its quantile is at least d
	for bit := uint64(1) << 63; bit > 0; bit >>= 1 {
		if smaller := u &^ bit; l.quantile(smaller) >= d {
			u = smaller
		}
	}
	return u, true
}
