package tunnel

import (
	"net/netip"
	"testing"
	"time"
)

func TestALimiterGivesABurstAndThenARate(t *testing.T) {
	l := newLimiter()
	a := netip.MustParseAddr("192.0.2.1")
	count := func(now time.Duration) (n int) {
		for l.allow(a, now) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		at   time.Duration
		want int
	}{
		{0, admitBurst},
		{0, 0},
		{time.Second, admitRate},
		{1500 * time.Millisecond, admitRate / 2},
		{time.Hour, admitBurst},
		{1e6 * time.Hour, admitBurst},
	} {
		if got := count(step.at); got != step.want {
			t.Errorf("at %v: got %d, want %d", step.at, got, step.want)
		}
	}
}

func TestALimiterSeesAnIPv6NetworkAsOne(t *testing.T) {
	l := newLimiter()
	n := 0
	for i := range 10 * admitBurst {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[14], a[15] = byte(i>>8), byte(i)
		if l.allow(netip.AddrFrom16(a), 0) {
			n++
		}
	}
	if n != admitBurst {
		t.Errorf("allowed %d, want %d", n, admitBurst)
	}
}

func TestANonceIsRememberedForAsLongAsItsRequestIsGood(t *testing.T) {
	s := newNonces()
	n := newNonce()
	s.turn(time.Second)
	s.add(n)
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{{time.Second, true}, {2 * admitWindow, true}, {4*admitWindow - 1, true}, {4 * admitWindow, false}} {
		s.turn(step.at)
		if got := s.seen(n); got != step.want {
			t.Errorf("after %v: got %v", step.at, got)
		}
	}
	for range maxNonces {
		if !s.add(newNonce()) {
			t.Fatal("full too early")
		}
	}
	if s.add(newNonce()) {
		t.Error("takes more than it has room for")
	}
}
