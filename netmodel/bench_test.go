package netmodel

import (
	"testing"
	"time"
)

// BenchmarkDatagram sends from and to random nodes of 100,000, as gossip does.
func BenchmarkDatagram(b *testing.B) {
	const nodes = 100_000
	ms := time.Millisecond
	planetLab := must[*Matrix](b)(PlanetLab490())
	aws := must[*Matrix](b)(AWS2019())
	uniform := Uniform{Min: 10 * ms, Max: 100 * ms}
	half := Set{Share: 1 << 63}
	rest := Set{Share: 1 << 63, Not: true}
	partition := Rule{From: half, To: rest, Symmetric: true, Cut: true}
	for _, c := range []struct {
		name  string
		cfg   Config
		rules []Rule
	}{
		{"constant", Config{Latency: Constant{Delay: ms}}, nil},
		{"uniform", Config{Latency: uniform}, nil},
		{"uniform-loss", Config{Latency: uniform, Loss: Independent{probability(0.01)}}, nil},
		{"normal", Config{Latency: Normal{Mean: 50 * ms, StdDev: 10 * ms}}, nil},
		{"lognormal", Config{Latency: LogNormal{Median: 40 * ms, P90: 120 * ms}}, nil},
		{"aws", Config{Latency: RegionMatrix{Matrix: aws}}, nil},
		{"planetlab", Config{Latency: PairMatrix{Matrix: planetLab}}, nil},
		{"planetlab-jitter", Config{Latency: PairMatrix{Matrix: planetLab, Jitter: probability(0.1)}}, nil},
		{"gilbert-elliott", Config{Latency: uniform, Loss: bursts}, nil},
		{"impairments", Config{Latency: uniform, Duplicate: probability(0.01), Corrupt: probability(0.01), Reorder: probability(0.01), ReorderDelay: ms}, nil},
		{"uplink", Config{Latency: uniform, Bandwidth: []BandwidthClass{{Share: Always, Up: 1e9}}}, nil},
		{"partition", Config{Latency: uniform}, []Rule{partition}},
		{"partition-1M-nodes", Config{Nodes: 1_000_000, Latency: uniform}, []Rule{partition}},
		{"loss-rule", Config{Latency: uniform}, []Rule{{From: Set{Share: probability(0.01)}, Loss: probability(0.8)}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.cfg.Nodes == 0 {
				c.cfg.Nodes = nodes
			}
			nodes := uint32(c.cfg.Nodes)
			m := mustNew(b, c.cfg)
			for _, r := range c.rules {
				mustApply(b, m, r)
			}
			b.ReportAllocs()
			var p Packet
			var f Fate
			p.Size = 100
			x := uint64(1)
			for b.Loop() {
				x = x*6364136223846793005 + 1442695040888963407
				p.From, p.To = uint32(x>>32)%nodes, uint32(x>>13)%nodes
				p.K++
				p.Now += 1000
				m.Datagram(&p, &f)
			}
		})
	}
}

func BenchmarkArrive(b *testing.B) {
	m := mustNew(b, Config{Nodes: 100_000, Latency: Constant{}, Bandwidth: []BandwidthClass{{Share: Always, Down: 1e9}}})
	b.ReportAllocs()
	now := int64(0)
	for i := uint32(0); b.Loop(); i++ {
		now += 1000
		m.Arrive(i*7919%100_000, 100, now)
	}
}

func BenchmarkStreamTransmit(b *testing.B) {
	m := mustNew(b, Config{Nodes: 1000, Latency: LogNormal{Median: 1e7, P90: 3e7}, Loss: Independent{probability(0.01)}})
	b.ReportAllocs()
	for k := uint32(0); b.Loop(); k++ {
		m.StreamTransmit(k%1000, (k+1)%1000, 10_000, 0, patient, k)
	}
}

// BenchmarkApply starts and ends a partition of a million nodes.
func BenchmarkApply(b *testing.B) {
	m := mustNew(b, Config{Nodes: 1_000_000, Latency: Constant{}})
	half := Set{Share: 1 << 63}
	rest := Set{Share: 1 << 63, Not: true}
	b.ReportAllocs()
	for b.Loop() {
		mustRemove(b, m, mustApply(b, m, Rule{From: half, To: rest, Symmetric: true, Cut: true}))
	}
}

func BenchmarkNewPlanetLab(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustNew(b, Config{Nodes: 1000, Latency: PairMatrix{Matrix: must[*Matrix](b)(PlanetLab490())}})
	}
}
