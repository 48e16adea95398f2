package analysis_test

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// Events of a broadcast over an overlay as the tests' stories have it.
const (
	evLinkUp protocol.EventKind = 0x0201 + iota
	evLinkDown
)

const (
	evBroadcast protocol.EventKind = 0x0301 + iota
	evDeliver
	evDuplicate
)

func castSpecs() []protocol.EventSpec {
	return []protocol.EventSpec{
		{Kind: evLinkUp, Name: "view.up", Role: protocol.RoleLinkUp},
		{Kind: evLinkDown, Name: "view.down", Role: protocol.RoleLinkDown},
		{Kind: evBroadcast, Name: "cast.broadcast", Role: protocol.RoleBroadcast},
		{Kind: evDeliver, Name: "cast.deliver", Role: protocol.RoleDeliver},
		{Kind: evDuplicate, Name: "cast.duplicate", Role: protocol.RoleDuplicate},
	}
}

func casting(window time.Duration) func(*analysis.Config) {
	return func(c *analysis.Config) { c.Events, c.BroadcastWindow = castSpecs(), window }
}

func (s *story) start(nodes int) *story {
	for i := range nodes {
		s.world(protocol.EventNodeStarted, i)
	}
	return s
}

func TestABroadcastIsMeasured(t *testing.T) {
	s := newStory(t, 5, casting(10*time.Second)).start(5)
	s.at(1).emit(evBroadcast, 0, -1, 7, 100)
	s.at(2).emit(evDeliver, 1, 0, 7, 1).emit(evDeliver, 2, 0, 7, 1)
	s.at(3).emit(evDeliver, 3, 1, 7, 2).emit(evDuplicate, 2, 1, 7, 2)
	s.at(4).world(protocol.EventNodeCrashed, 3) // it has the message, and nobody expects it to
	s.at(20).emit(evDeliver, 4, 2, 7, 2)        // too late
	s.at(21).emit(evBroadcast, 1, -1, 8, 100).emit(evDeliver, 0, 1, 8, 1)
	s.end = analysis.Counters{Messages: []analysis.MessageCount{
		{Name: "cast.gossip", Messages: 10, Bytes: 5000, Payload: true},
		{Name: "cast.prune", Messages: 3, Bytes: 90},
		{Name: "view.shuffle", Messages: 2, Bytes: 40},
	}}
	r := s.at(22).finish()
	want(t, r, map[string]float64{
		"broadcast.messages": 2, "broadcast.deliveries": 4, "broadcast.duplicates": 1, "broadcast.late_deliveries": 1,
		"broadcast.windows_cut": 1, "broadcast.double_deliveries": 0, "broadcast.missed": 3, "broadcast.complete_share": 0,
		"broadcast.reliability.min": 0.5, "broadcast.reliability.max": 0.75, "broadcast.rmr.max": 1.0 / 3, "broadcast.rmr.mean": 1.0 / 6,
		"broadcast.last_hop.max": 2, "broadcast.max_hop.max": 2, "broadcast.hops.mean": 1.25, "broadcast.hops.p50": 1, "broadcast.hops.max": 2,
		"broadcast.last_delivery_s.max": 2, "broadcast.rmr_after_crash.1": 0, "broadcast.reliability_after_crash.1": 0.5,
		"broadcast.last_hop_after_crash.1": 1, "broadcast.duplication_factor": 2, "broadcast.payload_bytes": 5000,
		"broadcast.control_bytes": 90, "broadcast.overlay_bytes": 40, "broadcast.payload_bytes_per_delivery": 1000,
		"broadcast.control_bytes_per_delivery": 18,
		// node 0 sent two copies of message 7, node 1 two of 7 and one of 8; node 3 was there for one message
		"broadcast.load.max": 1.5, "broadcast.load.mean": 2.5 / 5,
	})
	if _, ok := r.Metrics["broadcast.rmr_after_crash.2"]; ok {
		t.Error("got a second message after the crash, want one")
	}
	if at := seriesOf(t, r, "broadcast.rmr"); len(at) != 2 || at[21] != 0 {
		t.Errorf("got samples %v, want one for each message at its broadcast", at)
	}
	tree := map[[2]float64]string{}
	for _, s := range r.Series {
		for i := range s.X {
			if s.Metric == "broadcast.tree_links" {
				tree[[2]float64{s.X[i], s.Y[i]}] = s.Group
			}
		}
	}
	if len(tree) != 4 || tree[[2]float64{0, 0}] != "0" || tree[[2]float64{0, 2}] != "1" || tree[[2]float64{1, 3}] != "2" {
		t.Errorf("got tree %v, want that of message 7 without what came too late", tree)
	}
}

// A process that starts again has forgotten what it had.
func TestANewProcessMayDeliverAgain(t *testing.T) {
	s := newStory(t, 3, casting(10*time.Second)).start(3)
	s.emit(evBroadcast, 0, -1, 7, 100).emit(evDeliver, 1, 0, 7, 1)
	s.at(1).world(protocol.EventNodeCrashed, 1).world(protocol.EventNodeRestarted, 1)
	s.at(2).emit(evDeliver, 1, 0, 7, 1)
	want(t, s.at(3).finish(), map[string]float64{"broadcast.double_deliveries": 0, "broadcast.deliveries": 2, "broadcast.rmr.mean": 0})
	s = newStory(t, 3, casting(10*time.Second)).start(3)
	s.emit(evBroadcast, 0, -1, 7, 100).emit(evDeliver, 1, 0, 7, 1).at(2).emit(evDeliver, 1, 2, 7, 2).emit(evDeliver, 0, 2, 7, 2)
	want(t, s.at(3).finish(), map[string]float64{"broadcast.double_deliveries": 2, "broadcast.missed": 1})
}

func TestAKeyNamesOneMessage(t *testing.T) {
	s := newStory(t, 2, casting(time.Second)).start(2)
	s.emit(evBroadcast, 0, -1, 7, 1).at(1).emit(evBroadcast, 1, -1, 7, 1)
	if _, err := s.Finish(s.now, s.end); err == nil {
		t.Error("one key for two messages: got no error")
	}
}

// castRecord is one thing that happened, for the twin to look back at.
type castRecord struct {
	at         int64
	kind       protocol.EventKind
	node, peer int
	key, hops  uint64
}

// castTwin measures broadcasts from the whole record of what happened, every
// number by a pass of its own over it.
type castTwin struct {
	n                   int
	records             []castRecord
	end, warmUp, window int64
}

// liveAt reports whether a node is live after the first k records.
func (w *castTwin) liveAt(node, k int) bool {
	is := false
	for _, r := range w.records[:k] {
		if r.node == node {
			switch r.kind {
			case protocol.EventNodeStarted, protocol.EventNodeRestarted:
				is = true
			case protocol.EventNodeCrashed, protocol.EventNodeLeaving:
				is = false
			}
		}
	}
	return is
}

// message returns what became of the message of the k-th record.
func (w *castTwin) message(k int) (reached, expected, got, receptions, lastHop int, double int) {
	b := w.records[k]
	end := k
	for end < len(w.records) && w.records[end].at <= b.at+w.window {
		end++
	}
	nodes := 1
	has := map[int]bool{b.node: true}
	for _, r := range w.records[k+1 : end] {
		switch {
		case r.kind == protocol.EventNodeRestarted:
			has[r.node] = false
		case r.kind == evDeliver && r.key == b.key:
			receptions++
			if has[r.node] {
				double++
				continue
			}
			has[r.node] = true
			nodes++
			lastHop = int(r.hops)
		case r.kind == evDuplicate && r.key == b.key:
			receptions++
		}
	}
	for i := range w.n {
		always := true
		for j := k; j <= end; j++ {
			always = always && w.liveAt(i, j)
		}
		if always {
			expected++
			if has[i] {
				reached++
			}
		}
	}
	return reached, expected, nodes, receptions, lastHop, double
}

func (w *castTwin) expected() map[string]float64 {
	out := map[string]float64{}
	var reliability, rmr, hops []float64
	missed, doubles, deliveries, messages, complete, watched, after := 0, 0, 0, 0, 0, 0, 0
	crashed := false
	for k, r := range w.records {
		if r.kind == protocol.EventNodeCrashed {
			crashed, after = true, 0
			for i := range 20 {
				delete(out, "broadcast.rmr_after_crash."+strconv.Itoa(i+1))
			}
		}
		if r.kind != evBroadcast || r.at < w.warmUp {
			continue
		}
		messages++
		after++
		reached, expected, nodes, receptions, last, double := w.message(k)
		missed += expected - reached
		doubles += double
		deliveries += nodes - 1 + double
		if expected > 0 {
			watched++
			reliability = append(reliability, float64(reached)/float64(expected))
			if reached == expected {
				complete++
			}
		}
		if nodes > 1 {
			rmr = append(rmr, float64(receptions)/float64(nodes-1)-1)
			hops = append(hops, float64(last))
			if crashed && after <= 20 {
				out["broadcast.rmr_after_crash."+strconv.Itoa(after)] = rmr[len(rmr)-1]
			}
		}
	}
	out["broadcast.messages"], out["broadcast.missed"] = float64(messages), float64(missed)
	out["broadcast.double_deliveries"], out["broadcast.deliveries"] = float64(doubles), float64(deliveries)
	for name, values := range map[string][]float64{"broadcast.reliability": reliability, "broadcast.rmr": rmr, "broadcast.last_hop": hops} {
		if len(values) > 0 {
			sum := 0.0
			for _, v := range values {
				sum += v
			}
			out[name+".mean"], out[name+".max"] = sum/float64(len(values)), slices.Max(values)
		}
	}
	if len(reliability) > 0 {
		out["broadcast.reliability.min"] = slices.Min(reliability)
		out["broadcast.complete_share"] = float64(complete) / float64(watched)
	}
	return out
}

func TestBroadcastsAreTheirNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		w := &castTwin{
			n: n, warmUp: int64(rapid.IntRange(0, 3).Draw(t, "warm-up")) * 1e8,
			window: int64(rapid.IntRange(1, 6).Draw(t, "window")) * 1e8,
		}
		c, err := analysis.NewCollector(analysis.Config{
			Nodes: n, NodeID: nodeID, Events: castSpecs(), WarmUp: time.Duration(w.warmUp), BroadcastWindow: time.Duration(w.window),
			SampleInterval: 300 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		running, live, keys := make([]bool, n), make([]bool, n), uint64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.end += int64(rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "wait")) * 1e8
			r := castRecord{at: w.end, node: rapid.IntRange(0, n-1).Draw(t, "node"), peer: -1}
			r.kind = rapid.SampledFrom([]protocol.EventKind{
				protocol.EventNodeStarted, protocol.EventNodeCrashed, protocol.EventNodeLeaving, protocol.EventNodeLeft,
				evBroadcast, evDeliver, evDeliver, evDeliver, evDeliver, evDuplicate, evDuplicate,
			}).Draw(t, "kind")
			ok := running[r.node]
			switch r.kind {
			case protocol.EventNodeStarted:
				ok = !ok
				running[r.node], live[r.node] = true, true
				if w.liveEver(r.node) {
					r.kind = protocol.EventNodeRestarted
				}
			case protocol.EventNodeCrashed:
				running[r.node], live[r.node] = false, false
			case protocol.EventNodeLeaving:
				ok = ok && live[r.node]
				live[r.node] = false
			case protocol.EventNodeLeft:
				if ok = ok && !live[r.node]; ok {
					running[r.node] = false
				}
			case evBroadcast:
				keys++
				r.key = keys
			default:
				r.key = uint64(rapid.IntRange(1, int(keys)+1).Draw(t, "key"))
				r.peer = rapid.IntRange(0, n-1).Draw(t, "from")
				r.hops = uint64(rapid.IntRange(1, 9).Draw(t, "hops"))
				// of a message that is still to come nobody has heard
				ok = ok && r.key <= keys
			}
			if !ok {
				continue
			}
			w.records = append(w.records, r)
			record := protocol.Record{Time: r.at, Node: nodeID(r.node), Index: uint32(r.node), Event: protocol.Event{Kind: r.kind, Args: [3]uint64{r.key, r.hops}}}
			if r.peer >= 0 {
				record.Event.Peer = nodeID(r.peer)
			}
			c.Observe(record)
		}
		got, err := c.Finish(time.Duration(w.end), analysis.Counters{})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range w.expected() {
			if g, ok := got.Metrics[name]; !ok || math.Abs(g-v) > 1e-9 {
				t.Errorf("%s: got %v (measured: %v), want %v", name, g, ok, v)
			}
		}
	})
}

func (w *castTwin) liveEver(node int) bool {
	return slices.ContainsFunc(w.records, func(r castRecord) bool { return r.node == node && r.kind == protocol.EventNodeStarted })
}

func BenchmarkDeliveries(b *testing.B) {
	const n = 10_000
	c, err := analysis.NewCollector(analysis.Config{
		Nodes: n, NodeID: nodeID, Events: castSpecs(),
		Index: func(id protocol.NodeID) (int, bool) { return int(id) - 1000, int(id) < 1000+n },
	})
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		c.Observe(protocol.Record{Index: uint32(i), Event: protocol.Event{Kind: protocol.EventNodeStarted}})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key, node := uint64(i/n)+1, i%n
		r := protocol.Record{Time: int64(i) * 10_000, Index: uint32(node), Event: protocol.Event{Kind: evDeliver, Peer: nodeID(node / 2), Args: [3]uint64{key, 3}}}
		if node == 0 {
			r.Event.Kind, r.Event.Peer = evBroadcast, 0
		}
		c.Observe(r)
	}
}
