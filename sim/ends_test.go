package sim

import (
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

// An end takes one cache line: a world has millions of them.
func TestAnEndIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(end{}); size > 64 {
		t.Errorf("an end takes %d bytes, want at most 64", size)
	}
	if size := unsafe.Sizeof(cold{}); size > 64 {
		t.Errorf("what a node with streams has takes %d bytes, want at most 64", size)
	}
}

// However ends come and go, each is found, and its counters go on counting.
func TestStreamsKeepTheirEnds(t *testing.T) {
	const streamIdle = DefaultStreamIdle
	rapid.Check(t, func(t *rapid.T) {
		var s streams
		var now int64
		opened, lastUsed := map[uint32]uint32{}, map[uint32]int64{}
		peers := rapid.Uint32Range(0, rapid.SampledFrom([]uint32{5, 40, 400}).Draw(t, "peers"))
		t.Repeat(map[string]func(*rapid.T){
			"use": func(t *rapid.T) {
				for _, peer := range rapid.SliceOfN(peers, 1, 50).Draw(t, "used") {
					e := s.to(peer, now)
					if e.peer != peer || e.opened != opened[peer] {
						t.Fatalf("end of %d: got peer %d, opened %d times, want %d", peer, e.peer, e.opened, opened[peer])
					}
					e.lastUsed = now
					if peer%3 > 0 {
						e.opened++
						opened[peer]++
					}
					lastUsed[peer] = now
				}
			},
			"wait": func(t *rapid.T) {
				now += int64(rapid.IntRange(0, 15).Draw(t, "quarters")) * int64(streamIdle) / 4
				if rapid.Bool().Draw(t, "swept") {
					s.sweep(now, int64(streamIdle))
				}
			},
			"end": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "chance") == 0 {
					s.clear()
					clear(lastUsed)
				}
			},
			"": func(t *rapid.T) {
				for peer, last := range lastUsed {
					switch e := s.find(peer); {
					case e == nil && now-last <= 2*int64(streamIdle):
						t.Fatalf("the end of %d is gone %v after it was used", peer, time.Duration(now-last))
					case e != nil && (e.peer != peer || e.lastUsed != last || e.opened != opened[peer]):
						t.Fatalf("end of %d: got %+v, used last at %d", peer, *e, last)
					}
				}
				if e := s.find(1000); e != nil {
					t.Fatalf("found %+v, which nobody made", *e)
				}
			},
		})
	})
}

// What waits at one end is not what waits at another.
func TestWaitsAreToldApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w waits
		ends := make([]end, 8)
		model := make([][]int, len(ends))
		i := rapid.IntRange(0, len(ends)-1)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				k := i.Draw(t, "end")
				n := rapid.IntRange(1, 1000).Draw(t, "size")
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					w.of(&ends[k]).queue.append(queued{size: n})
					model[k] = append(model[k], n)
				}
			},
			"pop": func(t *rapid.T) {
				k := i.Draw(t, "end")
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					if len(model[k]) == 0 {
						return
					}
					if got := w.at(ends[k].wait).queue.pop(); got.size != model[k][0] {
						t.Fatalf("got %d, want %d", got.size, model[k][0])
					}
					model[k] = model[k][1:]
					if len(model[k]) == 0 {
						w.release(&ends[k])
					}
				}
			},
			"": func(t *rapid.T) {
				for k := range ends {
					switch wait := ends[k].wait; {
					case (wait > 0) != (len(model[k]) > 0):
						t.Fatalf("end %d waits under number %d, with %d messages", k, wait, len(model[k]))
					case wait > 0 && w.at(wait).queue.len() != len(model[k]):
						t.Fatalf("end %d: %d messages wait, want %d", k, w.at(wait).queue.len(), len(model[k]))
					}
				}
			},
		})
	})
}
