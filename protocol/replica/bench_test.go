package replica

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

func benchKey(i int) []byte { return fmt.Appendf(nil, "key-%012d", i) }

// BenchmarkPut writes keys of 16 bytes, values of 16. Its yardstick is the same
// number of writes to the store alone, two a write as a put has.
func BenchmarkPut(b *testing.B) {
	value := bytes.Repeat([]byte("v"), 16)
	b.Run("replica", func(b *testing.B) {
		c := still()
		c.Push = "none"
		s := newStage(b, c, 1)
		a := s.actors[0]
		a.disk.synced = func() {}
		b.ReportAllocs()
		for i := range b.N {
			must(b, a.node.Put(a, benchKey(i%100_000), value))
		}
	})
	b.Run("store", func(b *testing.B) {
		d := newDisk()
		b.ReportAllocs()
		for i := range b.N {
			var batch protocol.Batch
			batch.Set(benchKey(i%100_000), value)
			must(b, d.Apply(&batch))
			must(b, d.Sync())
		}
	})
}

// BenchmarkMergePushed merges a delta of one key, which 100,000 others are
// beside.
func BenchmarkMergePushed(b *testing.B) {
	s := newStage(b, still(), 2)
	s.fill(100_000)
	writer, reader := s.actors[0], s.actors[1]
	payloads := make([][]byte, 1000)
	for i := range payloads {
		s.put(0, string(benchKey(i*97)), "new")
		writer.node.push.bucket.spent = 0
		writer.node.flush(writer)
		payloads[i] = writer.below.pushed[0]
		writer.below.pushed = nil
	}
	reader.disk.synced = func() {}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%len(payloads) == 0 && i > 0 {
			b.StopTimer()
			reader.disk.crash(0)
			reader.start()
			b.StartTimer()
		}
		s.push(payloads[i%len(payloads)], 1)
	}
}

// fill gives all actors the same keys.
func (s *stage) fill(count int) {
	first := s.actors[0]
	first.disk.synced = func() {}
	for i := range count {
		must(s.t, first.node.Put(first, benchKey(i), []byte("0123456789abcdef")))
	}
	first.node.flush(first)
	first.below.pushed = nil
	for _, a := range s.actors[1:] {
		for key, value := range first.disk.values {
			if key != keyActor {
				a.disk.values[key] = value
			}
		}
		a.disk.values[keyKnown] = first.node.known.Append(nil)
		a.disk.sorted = nil
		a.start()
		a.disk.synced = func() {}
	}
}

// BenchmarkSession is a whole session of two nodes that have 100,000 keys of 16
// bytes, with values of 16, of which 1000 differ. Yardstick: of the pages alone,
// estimated beforehand were 10.6 MB and 6 round trips for 10,000 differences among a
// million at this base.
func BenchmarkSession(b *testing.B) {
	for _, differences := range []int{0, 1000} {
		b.Run(fmt.Sprint(differences, " differences"), func(b *testing.B) {
			c := still()
			c.Push, c.PeerRate = "none", 1<<40
			s := newStage(b, c, 2)
			s.fill(100_000)
			s.meet(0, 1)
			order := protocol.NewRand(1)
			payload := 0
			var bytes, rounds uint64
			s.heard = func(_, _ int, m protocol.Message) {
				if m, ok := m.(*Entries); ok {
					payload += m.Size()
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				for k := range differences {
					s.put(k%2, string(benchKey(order.IntN(100_000))), "fedcba9876543210")
				}
				s.actors[0].node.Root()
				s.actors[1].node.Root()
				s.actors[0].events = nil
				b.StartTimer()
				s.meet(0, 1)
				end := s.actors[0].events[len(s.actors[0].events)-1]
				if end.Kind != EventSessionEnd {
					b.Fatalf("got %+v last", end)
				}
				rounds, bytes = rounds+end.Args[0], bytes+end.Args[1]
			}
			if s.actors[0].node.Root() != s.actors[1].node.Root() {
				b.Fatal("they differ")
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "wire-B/op")
			b.ReportMetric(float64(payload)/float64(b.N), "entries-B/op")
			b.ReportMetric(float64(rounds)/float64(b.N), "rounds/op")
		})
	}
}
