package membertable

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

var sizes = []int{10_000, 100_000}

func suspected(k, incarnation int) Member {
	m := memberOf(k)
	m.Status, m.Incarnation = Suspect, uint32(incarnation)
	return m
}

// BenchmarkWith: one update of a table; "hit" is what all nodes but the first
// pay that apply the same update to the same table.
func BenchmarkWith(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("hit/n=%d", n), func(b *testing.B) {
			table := tableOf(NewPool(0), n)
			updates := make([]Member, 64)
			for k := range updates {
				updates[k] = suspected(k*97, 2)
				table.With(updates[k])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.With(updates[i%64])
			}
		})
		for name, pool := range map[string]*Pool{"miss": NewPool(0), "nil": nil} {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				table := tableOf(pool, n)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					table.With(suspected(i%n, i+2))
				}
			})
		}
	}
}

// BenchmarkWithAll: a newcomer takes over everything it hears at once.
func BenchmarkWithAll(b *testing.B) {
	for _, n := range sizes {
		ms := membersOf(n)
		pool := NewPool(0)
		keep := New(pool).WithAll(ms)
		ascending := make([]Member, 0, n)
		for m := range keep.All() {
			ascending = append(ascending, m)
		}
		b.Run(fmt.Sprintf("hit/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New(pool).WithAll(ascending)
			}
		})
		b.Run(fmt.Sprintf("nil/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New(nil).WithAll(ascending)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			table := tableOf(nil, n)
			ids := make([]protocol.NodeID, 1024)
			for k := range ids {
				ids[k] = memberOf(k * (n / 1024)).ID
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Get(ids[i%1024])
			}
		})
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			table, rnd := tableOf(nil, n), protocol.NewRand(1)
			b.ReportAllocs()
			for b.Loop() {
				table.Select(SetOf(Alive, Suspect), rnd.IntN(n))
			}
		})
	}
}

func BenchmarkRound(b *testing.B) {
	for _, n := range append([]int{10}, sizes...) {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			table := tableOf(nil, n)
			round, key := Round{}, uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := round.Next(table, AnyStatus, nil); !ok {
					key++
					round = NewRound(key)
				}
			}
		})
	}
}

// BenchmarkDiff: push-pull between two nodes that differ in a few members.
func BenchmarkDiff(b *testing.B) {
	for _, differences := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("n=10000/differences=%d", differences), func(b *testing.B) {
			table := tableOf(nil, 10_000)
			other := tableOf(nil, 10_000)
			for k := range differences {
				other = other.With(suspected(k*97, 2))
			}
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for range table.Diff(other) {
					found++
				}
				if found != differences {
					b.Fatalf("got %d differences, want %d", found, differences)
				}
			}
		})
	}
}

// heapMiB returns what is reachable, in MiB.
func heapMiB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// orderOf returns 0 to n-1 in an order of the owner's own, in which nobody
// leaves its block of the given length.
func orderOf(owner uint64, n, block int) []uint16 {
	order := make([]uint16, n)
	for k := range order {
		order[k] = uint16(k)
	}
	rnd := protocol.NewRand(owner)
	for from := 0; from < n; from += block {
		part := order[from:min(from+block, n)]
		rnd.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return order
}

// gossip lets each of the nodes' tables, all in start, go through all updates,
// each in an order of its own, one update each in turn.
func gossip(b *testing.B, start Table, nodes, block int, updates []Member) {
	orders := make([][]uint16, nodes)
	for i := range orders {
		orders[i] = orderOf(uint64(i), len(updates), block)
	}
	before := heapMiB()
	tables := make([]Table, nodes)
	for i := range tables {
		tables[i] = start
	}
	peak, began := 0.0, b.Elapsed()
	for step := range updates {
		for i := range tables {
			tables[i] = tables[i].With(updates[orders[i][step]])
		}
		if step%(len(updates)/20) == 0 {
			b.StopTimer()
			peak = max(peak, heapMiB()-before)
			b.StartTimer()
		}
	}
	b.StopTimer()
	for i := range tables {
		if tables[i].Hash() != tables[0].Hash() {
			b.Fatalf("node %d ended with another table", i)
		}
	}
	b.ReportMetric((heapMiB()-before)*(1<<20)/float64(nodes), "B/table")
	b.ReportMetric(peak, "peak-MiB")
	b.ReportMetric(float64(b.Elapsed()-began)/float64(nodes*len(updates)), "ns/update")
	runtime.KeepAlive(tables)
	runtime.KeepAlive(orders)
	b.StartTimer()
}

// BenchmarkConvergence: 10,000 nodes with 10,000 members each learn the same
// 100 updates. The peak is taken over the time when they know some of them.
func BenchmarkConvergence(b *testing.B) {
	updates := make([]Member, 100)
	for k := range updates {
		updates[k] = suspected(k*97, 2)
	}
	for _, block := range []int{1, 4, 100} {
		b.Run(fmt.Sprintf("disorder=%d", block), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				start := tableOf(NewPool(0), 10_000)
				b.StartTimer()
				gossip(b, start, 10_000, block, updates)
			}
		})
	}
}

// BenchmarkJoin: 2,000 nodes learn 2,000 members one by one in random orders,
// so that hardly any two tables are equal on the way.
func BenchmarkJoin(b *testing.B) {
	for name, capacity := range map[string]int{"default": 0, "small": 1 << 14, "nil": -1} {
		b.Run("pool="+name, func(b *testing.B) {
			for b.Loop() {
				var pool *Pool
				if capacity >= 0 {
					pool = NewPool(capacity)
				}
				gossip(b, New(pool), 2000, 2000, membersOf(2000))
				if pool != nil {
					b.Logf("%+v", pool.Stats())
				}
			}
		})
	}
}
