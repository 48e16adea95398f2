package broadcast

import (
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// A peer that failed is not what takes its place, though the sampler knows of
// nobody else and not yet that it is gone.
func TestAPeerThatFailedIsNotItsOwnSuccessor(t *testing.T) {
	l := newLinked(t, 1, 1, 1)
	l.Failed(l.m, 1)
	if l.Has(1) || l.waits != 1 {
		t.Errorf("got peers %v and %d waits, want none and one", l.Peers(), l.waits)
	}
	if l.retry(); !l.Has(1) {
		t.Error("not tried again later")
	}
}

// Whoever sends becomes a peer, up to a bound.
func TestStrangersThatBecomePeersAreBounded(t *testing.T) {
	l := newLinked(t, 1, 2, 2)
	for id := range protocol.NodeID(500) {
		l.Heard(l.m, 2000+id)
	}
	if got, want := len(l.Peers()), 2+l.inbound(); got != want || l.Heard(l.m, 5000) {
		t.Errorf("got %d peers, want %d", got, want)
	}
}

// A newcomer takes the place of a pick, never that of a peer that picked this node.
func TestANewcomerTakesThePlaceOfAPick(t *testing.T) {
	l := newLinked(t, 1, 2, 2)
	for id := range protocol.NodeID(10) {
		l.Heard(l.m, 2000+id)
	}
	for id := range protocol.NodeID(500) {
		l.m.change(10+id, true)
	}
	for id := range protocol.NodeID(10) {
		if !l.Has(2000 + id) {
			t.Errorf("%d picked this node and is no peer any more", 2000+id)
		}
	}
	if len(l.Peers()) != 12 || l.picked != 2 {
		t.Errorf("got %d peers, %d picked", len(l.Peers()), l.picked)
	}
}

// The chance of a newcomer depends on how many there are now, not on how many
// there ever were.
func TestWhoIsGoneDoesNotCountForPicks(t *testing.T) {
	picked := 0
	for seed := range uint64(1000) {
		l := newLinked(t, seed, 1, 4)
		for range 50 { // comes and goes
			l.m.change(100, true)
			l.m.change(100, false)
		}
		l.m.change(101, true)
		if l.Has(101) {
			picked++
		}
	}
	// One in five; six standard deviations are 76.
	if picked < 124 || picked > 276 {
		t.Errorf("the newcomer was picked %d times of 1000, want about 200", picked)
	}
}

// The times until missing peers are looked for double up to the last, and begin
// anew when there were enough.
func TestTimesOfRetries(t *testing.T) {
	m := &members{rand: protocol.NewRand(1)}
	var waits []time.Duration
	l, err := NewLinks([]protocol.Protocol{m}, 1, Listener{Wait: func(_ protocol.Env, d time.Duration) { waits = append(waits, d/time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(m)
	for range 12 {
		l.Retry(m)
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30}; !slices.Equal(waits, want) {
		t.Errorf("waits %v seconds, want %v", waits, want)
	}
	m.change(1, true)
	l.Retry(m)
	waits = nil
	m.change(1, false)
	if !slices.Equal(waits, []time.Duration{1}) {
		t.Errorf("waits %v after there were enough, want 1 second", waits)
	}
}

// What was dropped is let go of, and what a burst took is given back.
func TestWhatIsDroppedIsLetGo(t *testing.T) {
	limits := CacheLimits{Count: 16, Bytes: 1 << 20, Age: time.Minute}
	var c Cache
	for i := range uint64(12) {
		c.Put(Message{ID: ID{1, i}, Payload: make([]byte, 10)}, protocol.Time(i)*protocol.Time(time.Second), &limits)
	}
	c.Expire(protocol.Time(65*time.Second), &limits)
	held := 0
	for _, it := range c.kept.items {
		held += len(it.value.payload)
	}
	if held != c.Bytes() {
		t.Errorf("holds %d bytes of payloads, want the %d that are kept", held, c.Bytes())
	}
	if c.Expire(protocol.Time(time.Hour), &limits); c.kept.items != nil || c.kept.serials != nil {
		t.Error("an empty cache keeps its ring")
	}
}
