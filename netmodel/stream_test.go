package netmodel

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Mathis' bound against the formula.
func TestMathis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mss := rapid.Int64Range(100, 9000).Draw(t, "mss")
		rtt := rapid.Int64Range(int64(100*time.Microsecond), int64(time.Second)).Draw(t, "rtt")
		p := rapid.Float64Range(1e-6, 1).Draw(t, "p")
		want := float64(mss) * 8 / (float64(rtt) / 1e9) * math.Sqrt(1.5/p)
		got := float64(mathis(mss, rtt, probability(p)))
		if want > MaxBandwidth {
			if got != 0 {
				t.Fatalf("got %g bit/s, want no limit", got)
			}
			return
		}
		if math.Abs(got-want) > 1+2e-5*want { // whole bits, and a root in units of 2^-16
			t.Fatalf("got %g bit/s, want %g", got, want)
		}
	})
	if got := mathis(1448, 1e8, 0); got != 0 {
		t.Errorf("without loss: got %d bit/s, want no limit", got)
	}
	if got := mathis(1448, 0, Always); got < MinBandwidth && got != 0 {
		t.Errorf("without a round trip: got %d bit/s", got)
	}
}

func TestStreamRateIsTheLeastOfItsBounds(t *testing.T) {
	m := mustNew(t, Config{Seed: 2, Nodes: 2, Latency: Constant{Delay: 50 * time.Millisecond}, Bandwidth: []BandwidthClass{{Share: Always, Up: 50_000_000, Down: 20_000_000}}})
	if got := m.StreamRate(0, 1); got != 20_000_000 {
		t.Errorf("got %d bit/s, want the downlink's", got)
	}
	id := mustApply(t, m, Rule{Bandwidth: 10_000_000})
	if got := m.StreamRate(0, 1); got != 10_000_000 {
		t.Errorf("got %d bit/s, want the rule's", got)
	}
	mustApply(t, m, Rule{Loss: probability(0.01)})
	// 1448 * 8 / 0.1 s * sqrt(150) = 1.4187 Mbit/s
	if got := m.StreamRate(0, 1); got < 1_418_000 || got > 1_419_500 {
		t.Errorf("got %d bit/s, want Mathis' 1418744", got)
	}
	mustRemove(t, m, id)
	if got := m.RTT(0, 1); got != int64(100*time.Millisecond) {
		t.Errorf("got RTT %d, want 100 ms", got)
	}
	mustApply(t, m, Rule{From: Set{Nodes: []uint32{0}}, Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond})
	if got := m.RTT(1, 0); got != int64(125*time.Millisecond) {
		t.Errorf("got RTT %d, want 125 ms", got)
	}
}

func TestStreamWithoutLoss(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: 10 * time.Millisecond}, Bandwidth: []BandwidthClass{{Share: Always, Up: 8_000_000}}})
	if d, ok := m.StreamConnect(0, 1, 0, 0); !ok || d != int64(20*time.Millisecond) {
		t.Errorf("connect: got %d, %t, want one round trip", d, ok)
	}
	if d, ok := m.StreamTransmit(0, 1, 100_000, 0, patient, 0); !ok || d != int64(110*time.Millisecond) {
		t.Errorf("100 kB: got %d, %t, want 100 ms of transmission and 10 ms", d, ok)
	}
	if d, ok := m.StreamTransmit(0, 1, 100_000, 50e6, patient, 1); !ok || d != int64(160*time.Millisecond) {
		t.Errorf("another at 50 ms: got %d, %t, want it to wait for the first", d, ok)
	}
	if d, ok := m.StreamTransmit(1, 0, 100_000, 50e6, patient, 0); !ok || d != int64(110*time.Millisecond) {
		t.Errorf("another sender: got %d, %t, want its own uplink", d, ok)
	}
}

// Over a path whose loss is p a large transfer takes size / Mathis.
func TestLargeTransferUnderLossTakesWhatMathisSays(t *testing.T) {
	m := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Constant{Delay: 50 * time.Millisecond}, Loss: Independent{probability(0.01)}})
	const size = 10_000_000
	want := size * 8 / (1448 * 8 / 0.1 * math.Sqrt(150))
	d, ok := m.StreamTransmit(0, 1, size, 0, patient, 0)
	if got := float64(d)/1e9 - 0.05; !ok || math.Abs(got/want-1) > 1e-3 {
		t.Errorf("got %.3f s, %t, want %.3f", got, ok, want)
	}
}

func TestCutPath(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: 10 * time.Millisecond}})
	mustApply(t, m, Rule{From: Set{Nodes: []uint32{0}}, Cut: true})
	if !m.Cut(0, 1) || m.Cut(1, 0) || m.Cut(0, 0) {
		t.Error("want the path from 0 to 1 cut, and no other")
	}
	for _, way := range [][2]uint32{{0, 1}, {1, 0}} {
		// A handshake needs both directions.
		if d, ok := m.StreamConnect(way[0], way[1], 0, 0); ok || d != int64(127*time.Second) {
			t.Errorf("connect %v: got %d, %t, want to give up after 127 s", way, d, ok)
		}
	}
	d, ok := m.StreamTransmit(0, 1, 10, 0, patient, 0)
	var want int64
	for n := range MaxRetries + 1 {
		want += m.StreamRetry(0, 1, n+1)
	}
	if ok || d != want {
		t.Errorf("transmit: got %d, %t, want to give up after %d", d, ok, want)
	}
	if _, ok := m.StreamTransmit(1, 0, 10, 0, patient, 0); !ok {
		t.Error("the other direction: want it to arrive")
	}
}

func TestStreamRetryDoubles(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: 50 * time.Millisecond}})
	for n, want := range map[int]time.Duration{
		1: 300 * time.Millisecond, 2: 600 * time.Millisecond, 3: 1200 * time.Millisecond, 9: 76_800 * time.Millisecond,
		10: RetryCeiling, 1000: RetryCeiling,
	} {
		if got := m.StreamRetry(0, 1, n); got != int64(want) {
			t.Errorf("retry %d: got %d, want %v", n, got, want)
		}
	}
}

// A handshake succeeds at once with probability (1-p)^2, else after 1 s, 3 s
// and so on.
func TestConnectUnderLoss(t *testing.T) {
	m := mustNew(t, Config{Seed: 6, Nodes: 2, Latency: Constant{Delay: time.Millisecond}, Loss: Independent{probability(0.3)}})
	count := map[int64]int{}
	const n = 50_000
	for k := range uint32(n) {
		d, ok := m.StreamConnect(0, 1, 0, k)
		if !ok {
			d = -1e9
		}
		count[d/1e9]++
	}
	success := 0.7 * 0.7
	for i, after := range []int64{0, 1, 3, 7, 15, 31, 63} {
		checkShare(t, "after "+time.Duration(after*1e9).String(), count[after], n, success*math.Pow(1-success, float64(i)))
	}
	checkShare(t, "never", count[-1], n, math.Pow(1-success, MaxConnects))
}

// A small message is lost with probability p and then waits for a time-out.
func TestSmallMessageUnderLoss(t *testing.T) {
	m := mustNew(t, Config{Seed: 6, Nodes: 2, Latency: Constant{Delay: 50 * time.Millisecond}, Loss: Independent{probability(0.2)}})
	count := map[int64]int{}
	const n = 50_000
	for k := range uint32(n) {
		d, ok := m.StreamTransmit(0, 1, 0, 0, patient, k)
		if !ok {
			t.Fatalf("message %d gave up after %d ns", k, d)
		}
		count[(d-int64(50*time.Millisecond))/1e6]++
	}
	for i, after := range []int64{0, 300, 900, 2100} {
		checkShare(t, time.Duration(after*1e6).String(), count[after], n, 0.8*math.Pow(0.2, float64(i)))
	}
}

// A retransmission meets the link as it is then: a burst of loss that lasts
// shorter than the time-out hardly ever costs two of them.
func TestRetransmissionSeesTheLinkLater(t *testing.T) {
	m := mustNew(t, Config{Seed: 6, Nodes: 2, Latency: Constant{Delay: 50 * time.Millisecond}, Loss: GilbertElliott{
		MeanGood: 10 * time.Second, MeanBad: 10 * time.Millisecond, LossBad: Always,
	}})
	first, second := 0, 0
	for k := range uint32(100_000) {
		now := int64(k) * int64(100*time.Millisecond)
		d, _ := m.StreamTransmit(0, 1, 0, now, patient, k)
		if d >= int64(350*time.Millisecond) {
			first++
		}
		if d >= int64(950*time.Millisecond) {
			second++
		}
	}
	if first < 50 || second > 5 {
		t.Errorf("got %d first and %d second retransmissions, want about 100 and hardly any", first, second)
	}
}

// Each half of a handshake meets the conditions of its own direction.
func TestConnectMeetsBothDirections(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: time.Millisecond}})
	slow := mustApply(t, m, Rule{From: Set{Nodes: []uint32{1}}, Delay: 5 * time.Millisecond})
	for _, way := range [][2]uint32{{0, 1}, {1, 0}} {
		if d, ok := m.StreamConnect(way[0], way[1], 0, 0); !ok || d != int64(7*time.Millisecond) {
			t.Errorf("%v: got %d, %t, want the delay of one direction once", way, d, ok)
		}
	}
	mustRemove(t, m, slow)
	mustApply(t, m, Rule{From: Set{Nodes: []uint32{1}}, Loss: Always})
	for _, way := range [][2]uint32{{0, 1}, {1, 0}} {
		if d, ok := m.StreamConnect(way[0], way[1], 0, 0); ok {
			t.Errorf("%v: got connected after %d, want no handshake over a direction that loses everything", way, d)
		}
	}
	if _, ok := m.StreamTransmit(0, 1, 10, 0, patient, 0); !ok {
		t.Error("want the direction without loss to carry data")
	}
}

// A stream that has got nothing through for as long as its owner is patient
// gives up, however many retransmissions it had left.
func TestStreamTransmitGivesUpWithPatience(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: 10 * time.Millisecond}, Loss: Independent{Probability: Always / 10 * 9}})
	gaveUp := 0
	for k := range uint32(200) {
		patience := int64(5 * time.Second)
		long, arrives := m.StreamTransmit(0, 1, 10, 0, patient, k)
		delay, ok := m.StreamTransmit(0, 1, 10, 0, patience, k)
		if ok && (!arrives || delay != long) {
			t.Fatalf("message %d: got %d ns with patience and %d, %v without", k, delay, long, arrives)
		}
		if !ok {
			gaveUp++
			if arrives && long < patience {
				t.Errorf("message %d: gave up although it arrives after %d ns", k, long)
			}
			// One more wait than patience allows, which doubles.
			if delay < patience || delay > 3*patience {
				t.Errorf("message %d: gave up after %d ns, want a little more than %d", k, delay, patience)
			}
		}
	}
	if gaveUp < 20 || gaveUp == 200 {
		t.Errorf("gave up on %d of 200 messages at 90 %% loss, want some", gaveUp)
	}
}
