package netmodel

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTransmissionTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bandwidth := rapid.Int64Range(MinBandwidth, MaxBandwidth).Draw(t, "bandwidth")
		size := rapid.Int64Range(0, MaxQueue).Draw(t, "size")
		r := newRate(bandwidth, DefaultQueue)
		exact := float64(size) * 8e9 / float64(bandwidth)
		got := float64(r.time(size))
		// Never faster than the link; at most a nanosecond and the rounding of
		// perByte slower.
		if got < exact*(1-1e-14) || got > exact+1+float64(size)/(1<<32)+exact*1e-14 {
			t.Fatalf("got %.0f ns, want %.3f", got, exact)
		}
	})
}

// naiveQueue is a drop-tail queue that keeps every packet.
type naiveQueue struct {
	rate  rate
	limit int64
	done  []int64
	sizes []int64
}

func (q *naiveQueue) pass(size, now int64) (int64, bool) {
	start := now
	var backlog int64 // of time: bytes that wait or are being transmitted
	for i, done := range q.done {
		if done > now {
			backlog = done - now
			start = q.done[i]
		}
	}
	if backlog+q.rate.time(size) > q.rate.time(q.limit) {
		return 0, false
	}
	q.done, q.sizes = append(q.done, start+q.rate.time(size)), append(q.sizes, size)
	return q.done[len(q.done)-1], true
}

// Downlinks: nothing before its transmission time, first in first out, a
// bounded queue, the same as the naive one.
func TestArriveAgreesWithItsNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bandwidth := rapid.Int64Range(10_000, 10_000_000_000).Draw(t, "bandwidth")
		queue := rapid.Int64Range(1500, 100_000).Draw(t, "queue")
		m := mustNew(t, Config{Nodes: 2, Latency: Constant{}, Bandwidth: []BandwidthClass{{Share: Always, Down: bandwidth, DownQueue: queue}}})
		if !m.HasDownlink() {
			t.Fatal("no downlink")
		}
		twin := naiveQueue{rate: newRate(bandwidth, queue), limit: queue}
		now, last := int64(0), int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now += rapid.Int64Range(0, 2*twin.rate.time(1500)).Draw(t, "gap")
			size := rapid.Int32Range(1, 1428).Draw(t, "size")
			at, ok := m.Arrive(1, size, now)
			want, wantOK := twin.pass(int64(size), now)
			if ok != wantOK || (ok && at != want) {
				t.Fatalf("at %d: got %d, %t, want %d, %t", now, at, ok, want, wantOK)
			}
			if !ok {
				continue
			}
			if at < now+twin.rate.time(int64(size)) || at < last+twin.rate.time(int64(size)) {
				t.Fatalf("at %d: got %d, before it or its predecessor (%d) can have been transmitted", now, at, last)
			}
			if at-now > twin.rate.time(queue) {
				t.Fatalf("at %d: waits %d ns, longer than a full queue takes", now, at-now)
			}
			last = at
		}
	})
}

// A saturated uplink carries its bandwidth, and an overloaded one drops the
// excess.
func TestUplinkThroughput(t *testing.T) {
	const bandwidth = 10_000_000 // 1,000 bytes in 0.8 ms
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: time.Millisecond}, Bandwidth: []BandwidthClass{{Share: Always, Up: bandwidth}}})
	var f Fate
	var carried, dropped, last int64
	for k := range int64(20_000) { // one each 0.5 ms: 16 Mbit/s
		p := Packet{From: 0, To: 1, Size: 1000, K: uint32(k), Now: k * 500_000}
		m.Datagram(&p, &f)
		switch f.Lost {
		case LostUplink:
			dropped++
		case Delivered:
			carried++
			if p.Now+f.Delay-last < 800_000 {
				t.Fatalf("datagram %d comes %d ns after the one before, want 0.8 ms at least", k, p.Now+f.Delay-last)
			}
			last = p.Now + f.Delay
		}
	}
	if got := float64(carried) * 8000 / 10; math.Abs(got/bandwidth-1) > 0.01 {
		t.Errorf("got %.0f bit/s, want %d", got, bandwidth)
	}
	if dropped == 0 {
		t.Error("nothing was dropped")
	}
}

func TestIdleUplinkCostsTransmission(t *testing.T) {
	m := mustNew(t, Config{Nodes: 3, Latency: Constant{Delay: time.Millisecond}, Bandwidth: []BandwidthClass{{Share: Always, Up: 8_000_000}}})
	if f := send(m, 0, 1, 0, 5e9); f.Delay != 1_100_000 {
		t.Errorf("got %d ns, want 1 ms and 0.1 ms for 100 bytes", f.Delay)
	}
	if f := send(m, 1, 0, 0, 5e9); f.Delay != 1_100_000 {
		t.Errorf("another sender: got %d ns, want its own uplink", f.Delay)
	}
	if f := send(m, 0, 2, 0, 5e9); f.Delay != 1_200_000 {
		t.Errorf("second datagram: got %d ns, want it to wait for the first", f.Delay)
	}
}

func TestBandwidthClasses(t *testing.T) {
	m := mustNew(t, Config{Seed: 4, Nodes: 1000, Latency: Constant{}, Bandwidth: []BandwidthClass{
		{Name: "super", Share: probability(0.2), Up: 1_000_000_000, Down: 1_000_000_000},
		{Name: "full", Share: probability(0.5), Up: 50_000_000},
		{Name: "free", Share: probability(0.3)},
	}})
	count := map[[2]int64]int{}
	for i := range uint32(1000) {
		count[[2]int64{m.up.of(i).bandwidth, m.down.of(i).bandwidth}]++
	}
	if count[[2]int64{1e9, 1e9}] != 200 || count[[2]int64{5e7, 0}] != 500 || count[[2]int64{}] != 300 {
		t.Errorf("got %v, want 200, 500 and 300 nodes", count)
	}
	for i := range uint32(1000) {
		if at, ok := m.Arrive(i, 1000, 7); m.down.of(i).bandwidth == 0 && (at != 7 || !ok) {
			t.Fatalf("node %d without a limit: got %d, %t", i, at, ok)
		}
	}
}

// Shares that make a whole leave nobody out, whatever rounding does.
func TestClassesThatMakeAWhole(t *testing.T) {
	half := uint64(1) << 63
	for name, shares := range map[string][]uint64{
		"halves": {half, half}, "fifths": {probability(0.2), Always - probability(0.2)}, "all": {Always},
	} {
		cfg := Config{Nodes: 7, Latency: Constant{}}
		for _, s := range shares {
			cfg.Bandwidth = append(cfg.Bandwidth, BandwidthClass{Share: s, Up: 1e6})
		}
		m := mustNew(t, cfg)
		for i := range uint32(7) {
			if m.up.of(i).bandwidth == 0 {
				t.Errorf("%s: node %d has no limit", name, i)
			}
		}
	}
}
