package analysis_test

import (
	"math"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// Events of replicas as the tests' stories have them.
const (
	evWrite protocol.EventKind = 0x0401 + iota
	evApply
	evRead
	evRoot
	evSessionBegin
	evSessionEnd
)

const (
	deletes = protocol.WriteDeletes
	pushed  = protocol.WritePushed
)

func replicaSpecs() []protocol.EventSpec {
	return []protocol.EventSpec{
		{Kind: evWrite, Name: "store.write", Role: protocol.RoleWrite},
		{Kind: evApply, Name: "store.apply", Role: protocol.RoleApply},
		{Kind: evRead, Name: "store.read", Role: protocol.RoleRead},
		{Kind: evRoot, Name: "store.root", Role: protocol.RoleRoot},
		{Kind: evSessionBegin, Name: "store.session_begin", Role: protocol.RoleSessionBegin},
		{Kind: evSessionEnd, Name: "store.session_end", Role: protocol.RoleSessionEnd},
	}
}

func replicating(c *analysis.Config) { c.Events = replicaSpecs() }

func newReplicas(t *testing.T, nodes int, change ...func(*analysis.Config)) *story {
	t.Helper()
	return newStory(t, nodes, append([]func(*analysis.Config){replicating}, change...)...).start(nodes)
}

func TestAWriteArrives(t *testing.T) {
	s := newReplicas(t, 4)
	s.at(1).emit(evWrite, 0, -1, 7, 100, pushed)
	s.at(1.5).emit(evApply, 1, 0, 7, 100, protocol.ApplyPushed)
	s.at(2).emit(evWrite, 1, -1, 8, 101, 0)
	s.at(3).emit(evApply, 2, 1, 7, 100, protocol.ApplyPushed)
	s.at(10).emit(evApply, 0, 1, 8, 101, protocol.ApplyPulled).emit(evApply, 2, 1, 8, 101, protocol.ApplyPulled)
	want(t, s.at(12).finish(), map[string]float64{
		"replica.writes": 2, "replica.arrivals": 4, "replica.arrivals_unfinished": 2, "replica.arrivals_cut": 0,
		"replica.latency_hot_s.p50": near3(2), "replica.latency_cold_s.p50": near3(8), "replica.latency_hot_s.p90": none,
		"replica.pulled_share": 0.5, "replica.lost_writes": 0, "replica.followed_share": 1,
	})
}

// A replica that has a later version lacks none of the earlier ones; one that
// wrote the key itself waits for none.
func TestALaterVersionArrivesForAll(t *testing.T) {
	s := newReplicas(t, 3)
	s.at(1).emit(evWrite, 0, -1, 7, 100, 0)
	s.at(2).emit(evWrite, 0, -1, 7, 101, 0)
	s.at(3).emit(evApply, 1, 0, 7, 101, 0)
	s.at(4).emit(evWrite, 2, -1, 7, 102, 0) // without having seen the others
	s.at(5).emit(evApply, 0, 2, 7, 102, 0).emit(evApply, 1, 2, 7, 102, 0)
	want(t, s.at(6).finish(), map[string]float64{
		"replica.arrivals": 4, "replica.arrivals_cut": 2, "replica.arrivals_unfinished": 0, "replica.latency_s.p50": near3(1), "replica.latency_s.max": none,
	})
}

// A replica that has taken a write does not miss it, though an earlier one won.
func TestWhoTookAWriteDoesNotMissIt(t *testing.T) {
	s := newReplicas(t, 3)
	s.at(1).emit(evWrite, 0, -1, 7, 100, 0)
	s.at(2).emit(evWrite, 1, -1, 7, 101, 0)
	s.at(2.5).emit(evRead, 0, -1, 7, 100)
	s.at(3).emit(evApply, 0, 1, 7, 101, 0)
	s.at(4).emit(evApply, 1, 0, 7, 100, 0)
	s.at(5).emit(evRead, 0, -1, 7, 100).emit(evRead, 2, -1, 7, 0)
	want(t, s.at(6).finish(), map[string]float64{
		"replica.reads": 3, "replica.stale_reads": 2. / 3, "replica.overruled_reads": 1. / 3, "replica.staleness_s.max": near3(4), "replica.arrivals": 1, "replica.arrivals_cut": 1,
	})
}

func TestReadsAreStale(t *testing.T) {
	s := newReplicas(t, 2)
	s.at(1).emit(evRead, 1, -1, 7, 55) // nothing to be missed
	s.at(2).emit(evWrite, 0, -1, 7, 100, 0)
	s.at(3).emit(evRead, 1, -1, 7, 0).emit(evRead, 1, -1, 7, 55).emit(evRead, 0, -1, 7, 100)
	s.at(4).emit(evWrite, 0, -1, 7, 101, deletes)
	s.at(5).emit(evRead, 1, -1, 7, 0).emit(evRead, 1, -1, 7, 100) // no value is right; the old one is stale for 1 s
	want(t, s.finish(), map[string]float64{
		"replica.reads": 6, "replica.stale_reads": 0.5, "replica.staleness_s.mean": 1,
	})
}

func TestADeletedKeyComesBack(t *testing.T) {
	s := newReplicas(t, 4)
	s.at(1).emit(evWrite, 0, -1, 7, 100, 0).emit(evApply, 1, 0, 7, 100, 0).emit(evApply, 2, 0, 7, 100, 0)
	s.emit(evWrite, 3, -1, 7, 101, 0) // concurrent with what follows
	s.at(2).emit(evWrite, 1, -1, 7, 102, deletes)
	s.at(3).emit(evApply, 0, 1, 7, 102, 0).emit(evApply, 2, 1, 7, 102, 0)
	s.at(4).emit(evApply, 0, 2, 7, 101, 0).emit(evApply, 1, 2, 7, 101, 0) // node 1 did not know it when it deleted
	s.at(5).emit(evApply, 2, 3, 7, 100, 0)
	s.at(6).emit(evApply, 2, 3, 7, 55, 0) // of before the run
	s.emit(evApply, 2, 3, 7, 101, 0)
	want(t, s.finish(), map[string]float64{"replica.resurrected": 2})
	// Who deletes what was written on top of a version has deleted that, too.
	s = newReplicas(t, 4)
	s.at(1).emit(evWrite, 0, -1, 7, 100, 0).emit(evWrite, 0, -1, 7, 101, 0)
	s.at(2).emit(evApply, 1, 0, 7, 101, 0).emit(evWrite, 1, -1, 7, 102, 0).emit(evWrite, 1, -1, 7, 103, deletes)
	s.at(3).emit(evApply, 2, 1, 7, 103, 0).emit(evApply, 2, 3, 7, 100, 0)
	want(t, s.finish(), map[string]float64{"replica.resurrected": 1})
	// Who took a version before it heard of a deletion knew it when it deleted.
	s = newReplicas(t, 4)
	s.at(1).emit(evWrite, 0, -1, 7, 100, 0).emit(evWrite, 1, -1, 7, 101, deletes).emit(evWrite, 1, -1, 7, 102, 0)
	s.at(2).emit(evApply, 2, 0, 7, 100, 0).emit(evApply, 2, 1, 7, 102, 0).emit(evWrite, 2, -1, 7, 103, deletes)
	s.at(3).emit(evApply, 3, 2, 7, 103, 0).emit(evApply, 3, 0, 7, 100, 0)
	want(t, s.finish(), map[string]float64{"replica.resurrected": 1})
}

// What nobody live has taken is lost, if nobody can have it unseen.
func TestWritesAreLost(t *testing.T) {
	lose := func() *story {
		s := newReplicas(t, 3)
		s.at(1).emit(evWrite, 0, -1, 7, 100, 0).emit(evWrite, 0, -1, 8, 101, 0)
		return s.emit(evApply, 1, 0, 8, 101, 0).at(2).world(protocol.EventNodeCrashed, 0)
	}
	want(t, lose().at(3).finish(), map[string]float64{"replica.lost_writes": 1})
	want(t, lose().emit(evWrite, 1, -1, 7, 102, 0).at(3).finish(), map[string]float64{"replica.lost_writes": 0})
	s := lose().at(3).world(protocol.EventNodeRestarted, 0)
	want(t, s.at(4).finish(), map[string]float64{"replica.lost_writes": none})
	s = lose().at(3).world(protocol.EventNodeRestarted, 0).emit(evRoot, 0, -1, 5, 1, 0).emit(evRoot, 1, -1, 5, 1, 0)
	want(t, s.at(4).finish(), map[string]float64{"replica.lost_writes": 1})
	s = lose().at(3).world(protocol.EventNodeRestarted, 0).emit(evApply, 2, 0, 7, 100, 0)
	want(t, s.at(4).finish(), map[string]float64{"replica.lost_writes": 0})
}

func TestReplicasConverge(t *testing.T) {
	s := newReplicas(t, 3)
	for i := range 3 {
		s.at(1).emit(evRoot, i, -1, 5, 10, 1)
	}
	s.at(10).emit(evWrite, 0, -1, 7, 100, 0)
	s.at(11).emit(evRoot, 0, -1, 6, 11, 2)
	s.at(13).emit(evRoot, 1, -1, 6, 11, 2)
	s.at(15.5).emit(evRoot, 2, -1, 6, 11, 2)
	r := s.at(20).finish()
	want(t, r, map[string]float64{
		"replica.converged_s": 5.5, "replica.same_root_share": 1, "replica.keys": 11, "replica.tombstones": 2,
	})
	share := seriesOf(t, r, "replica.same_root_share")
	for x, y := range map[float64]float64{2: 1, 11: 1, 12: 2. / 3, 14: 2. / 3, 16: 1} {
		if near(share[x], y) == false {
			t.Errorf("share with the same root at %v s: got %v, want %v", x, share[x], y)
		}
	}
}

// Roots of before the last write say nothing.
func TestWhoWroteMustSaySo(t *testing.T) {
	s := newReplicas(t, 2)
	s.emit(evRoot, 0, -1, 5, 10, 1).emit(evRoot, 1, -1, 5, 10, 1)
	s.at(9).emit(evWrite, 0, -1, 7, 100, 0)
	want(t, s.at(10).finish(), map[string]float64{"replica.converged_s": none})
	s = newReplicas(t, 2)
	s.emit(evRoot, 0, -1, 5, 10, 1).emit(evRoot, 1, -1, 5, 10, 1)
	want(t, s.at(9).world(protocol.EventNodeCrashed, 0).at(10).finish(), map[string]float64{"replica.converged_s": 0})
}

func TestSessionsAreMeasured(t *testing.T) {
	s := newReplicas(t, 3)
	s.at(1).emit(evSessionBegin, 0, 1).emit(evSessionBegin, 0, 2)
	s.at(3).emit(evSessionEnd, 0, 1, 3, 1500, 20)
	s.at(4).emit(evSessionBegin, 0, 2) // the one before was broken off
	s.at(8).emit(evSessionEnd, 0, 2, 5, 500, 0).emit(evSessionEnd, 1, 2, 5, 500, 0)
	s.at(9).emit(evSessionBegin, 1, 0).world(protocol.EventNodeCrashed, 1)
	want(t, s.at(10).finish(), map[string]float64{
		"replica.sessions": 4, "replica.sessions_unfinished": 2, "replica.keys_repaired": 20, "replica.bytes_per_key_repaired": 100,
		"replica.session_s.mean": 3, "replica.session_rounds.max": 5, "replica.session_bytes.mean": 1000, "replica.session_keys.p50": 0,
		"replica.session_keys.max": 20,
	})
}

func TestAVersionIsOfOneWrite(t *testing.T) {
	for _, version := range []uint64{100, 0} {
		s := newReplicas(t, 2)
		s.emit(evWrite, 0, -1, 7, 100, 0).emit(evWrite, 1, -1, 7, version, 0)
		if _, err := s.Finish(s.now, s.end); err == nil {
			t.Errorf("version %d: got no error", version)
		}
	}
	s := newReplicas(t, 2)
	s.emit(evWrite, 0, -1, 7, 100, 0).emit(evWrite, 0, -1, 8, 101, 0).emit(evApply, 1, 0, 8, 100, 0)
	if _, err := s.Finish(s.now, s.end); err == nil {
		t.Error("a version of another key: got no error")
	}
}

// With too many keys to be kept, those that are measured are measured right.
func TestFewerKeysAreFollowed(t *testing.T) {
	s := newReplicas(t, 3, func(c *analysis.Config) { c.ReplicaLimit = 100_000 })
	version := uint64(0)
	for range 20 {
		for key := range uint64(500) {
			version++
			s.at(float64(version)/1000).emit(evWrite, 0, -1, key, version, 0)
		}
		for key := range uint64(500) {
			s.emit(evApply, 1, 0, key, version-499+key, 0)
		}
	}
	s.now += 2 * time.Second
	for key := range uint64(500) {
		s.emit(evApply, 2, 0, key, version-499+key, 0)
	}
	r := s.finish()
	share := r.Metrics["replica.followed_share"]
	writes := r.Metrics["replica.writes"]
	if share >= 1 || share < 1.0/16 || writes < 10_000*share || writes > 10_000 {
		t.Fatalf("got %v writes of a share of %v of the keys, want fewer than all of 10,000", writes, share)
	}
	if v := r.Metrics["replica.arrivals"]; v < 20_000*share/2 {
		t.Errorf("got %v arrivals at 2 replicas with a share of %v", v, share)
	}
	want(t, r, map[string]float64{
		"replica.arrivals_unfinished": 0, "replica.lost_writes": 0, "replica.arrivals_cut": 0,
		"replica.latency_s.max": near3(12), // the first write waited for the end
	})
}

// none is no value.
var none = math.NaN()

// near3 is a time as a histogram with three digits has it: the upper end of its
// bin.
func near3(s float64) float64 {
	h := hdrhistogram.New(1, 3600e9, 3)
	_ = h.RecordValue(int64(s * 1e9)) // in range
	return float64(h.Max()) / 1e9
}

// replicate has a bit of everything happen to the replicas of a story.
func replicate(s *story) {
	s.emit(evRoot, 0, -1, 1, 2, 1).emit(evSessionBegin, 0, 1).emit(evSessionEnd, 0, 1, 1, 100, 2)
	s.emit(evWrite, 0, -1, 7, 1000, pushed).emit(evWrite, 1, -1, 8, 1001, 0)
	s.emit(evApply, 1, 0, 7, 1000, 0).emit(evApply, 0, 1, 8, 1001, 1).emit(evRead, 2, -1, 7, 0)
}

// BenchmarkReplicas is the cost of one application of a version, of 100 at as
// many replicas for each write to one of 10,000 keys. The yardstick is an event
// that no measure is about.
func BenchmarkReplicas(b *testing.B) {
	const nodes, keys = 100, 10_000
	specs := append(replicaSpecs(), protocol.EventSpec{Kind: 0x0501, Name: "other.event"})
	run := func(b *testing.B, event func(i int) protocol.Record) {
		c, err := analysis.NewCollector(analysis.Config{Nodes: nodes, NodeID: nodeID, Events: specs, SampleInterval: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
		for i := range nodes {
			c.Observe(protocol.Record{Index: uint32(i), Event: protocol.Event{Kind: protocol.EventNodeStarted}})
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c.Observe(event(i))
		}
	}
	b.Run("apply", func(b *testing.B) {
		run(b, func(i int) protocol.Record {
			write, node := i/nodes, i%nodes
			r := protocol.Record{Time: int64(i) * 1e5, Index: uint32(node), Event: protocol.Event{Kind: evApply}}
			if node == 0 {
				r.Event.Kind = evWrite
			}
			r.Event.Args = [3]uint64{uint64(write % keys), uint64(write + 1), 0}
			return r
		})
	})
	b.Run("yardstick/other", func(b *testing.B) {
		run(b, func(i int) protocol.Record {
			return protocol.Record{Time: int64(i) * 1e5, Index: uint32(i % nodes), Event: protocol.Event{Kind: 0x0501, Args: [3]uint64{uint64(i)}}}
		})
	})
}
