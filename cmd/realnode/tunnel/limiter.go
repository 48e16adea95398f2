package tunnel

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// limiter bounds what admission datagrams cost, by their source address. It
// has a fixed number of token buckets, so that made-up addresses cannot fill
// memory; addresses share a bucket by a hash that nobody outside knows. It is
// used by one goroutine.
type limiter struct {
	seed    maphash.Seed
	rate    int64 // tokens a second
	burst   int64
	buckets [256]bucket
}

// bucket holds nanotokens: 1e9 is one.
type bucket struct {
	nano int64
	last time.Duration
}

const (
	// A bucket's rate and burst. They serve a cluster on one address (a lab, a
	// site behind one router) that starts all at once; and 256 buckets times
	// the rate times some 4 microseconds a request bound the cost of a flood
	// to about 7 % of a core.
	admitRate  = 64
	admitBurst = 128
)

func newLimiter() *limiter {
	l := &limiter{seed: maphash.MakeSeed(), rate: admitRate, burst: admitBurst}
	for i := range l.buckets {
		l.buckets[i].nano = l.burst * int64(time.Second)
	}
	return l
}

// allow takes a token. Now is a reading of a clock that never goes back.
func (l *limiter) allow(from netip.Addr, now time.Duration) bool {
	a := from.As16()
	if from.Is6() && !from.Is4In6() {
		clear(a[8:]) // a /64 is one customer
	}
	b := &l.buckets[maphash.Bytes(l.seed, a[:])%uint64(len(l.buckets))]
	// The gap is bounded before it is multiplied.
	gap := min(now-b.last, time.Duration(l.burst)*time.Second)
	b.last = now
	b.nano = min(b.nano+int64(gap)*l.rate, l.burst*int64(time.Second))
	if b.nano < int64(time.Second) {
		return false
	}
	b.nano -= int64(time.Second)
	return true
}

// nonces remembers the requests that were accepted, for as long as their time
// makes them acceptable. It is used by one goroutine.
type nonces struct {
	now, before map[nonce]struct{}
	turned      time.Duration
}

// maxNonces bounds each of the two generations. Only who knows a key gets a
// nonce in here.
const maxNonces = 8192

func newNonces() *nonces { return &nonces{now: map[nonce]struct{}{}} }

// turn forgets what is too old. A request may be from up to a window ahead of
// our clock and is acceptable until a window after its time: two windows.
func (s *nonces) turn(now time.Duration) {
	if now-s.turned >= 2*admitWindow {
		s.before, s.now, s.turned = s.now, map[nonce]struct{}{}, now
	}
}

func (s *nonces) seen(n nonce) bool {
	_, a := s.now[n]
	_, b := s.before[n]
	return a || b
}

// add reports whether there was room.
func (s *nonces) add(n nonce) bool {
	if len(s.now) >= maxNonces {
		return false
	}
	s.now[n] = struct{}{}
	return true
}
