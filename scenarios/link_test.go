package scenarios_test

import (
	"testing"
)

const regions = `
name = "test"
duration = "20s"
stack = ["beacon"]
nodes = { count = 30 }
network = { latency = { model = "constant", delay = "10ms" } }
region = [{ name = "east" }, { name = "sea" }, { name = "west" }]
protocol.beacon.interval = "5ms"
`

// heardShare is the share of a pair's datagrams that arrived, taking the first
// pair, which nothing happens to, for all.
func (s *story) heardShare(from, to int) float64 {
	return float64(len(s.heard(from, to))) / float64(len(s.heard(10, 11)))
}

// "The Atlantic link drops 5 %": the links from one region to another, and no
// others.
func TestFaultsOfTheLinksBetweenRegions(t *testing.T) {
	s := play(t, regions+`fault = [
  { at = "0s", kind = "loss", probability = "60%", region = ["east"], to = ["west"] },
  { at = "0s", kind = "partition", region = ["sea"], to = ["west"], direction = "egress" },
]`)
	for _, c := range []struct {
		from, to int
		low, up  float64
	}{
		{0, 1, 0.8, 1.2},
		{0, 10, 0.8, 1.2},
		{0, 29, 0.25, 0.55},
		{29, 0, 0.25, 0.55},
		{19, 29, 0, 0},
		{29, 19, 0.8, 1.2},
		{19, 0, 0.8, 1.2},
	} {
		if got := s.heardShare(c.from, c.to); got < c.low || got > c.up {
			t.Errorf("from node %d to node %d: %.2f arrived, want %.2f to %.2f", c.from, c.to, got, c.low, c.up)
		}
	}
	if got := s.begun[0].Impaired; len(got) != 20 || got[0] != 0 || got[19] != 29 {
		t.Errorf("impaired: got %v, want both ends", got)
	}
	if cut := s.begun[1].Cut; !cut(15, 25) || !cut(25, 15) || cut(15, 5) || cut(25, 5) {
		t.Error("cut: want the sea from the west, and nobody else")
	}
}

// In bursts, losses come together: with the same share lost, gaps in what
// arrives are far longer than by chance.
func TestLossInBursts(t *testing.T) {
	longest := func(fault string) (gap int64, share float64) {
		s := play(t, regions+"fault = ["+fault+"]")
		for _, to := range []int{1, 2, 3} {
			at := s.heard(0, to)
			for i := 1; i < len(at); i++ {
				gap = max(gap, at[i]-at[i-1])
			}
			share += s.heardShare(0, to) / 3
		}
		return gap, share
	}
	bursts, a := longest(`{ at = "0s", kind = "bursts", mean_good = "1s", mean_bad = "1s", probability = "100%", nodes = [0], direction = "egress" }`)
	chance, b := longest(`{ at = "0s", kind = "loss", probability = "50%", nodes = [0], direction = "egress" }`)
	if a < 0.2 || a > 0.8 || b < 0.3 || b > 0.7 || bursts < chance {
		t.Errorf("got %.2f and a longest gap of %d ns in bursts, %.2f and %d ns by chance", a, bursts, b, chance)
	}
}
