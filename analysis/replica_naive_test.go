package analysis_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// replicaTwin measures replication from the whole record of what happened, every
// number by a pass of its own over it, as the definitions in the catalogue say.
type replicaTwin struct {
	n           int
	records     []protocol.Record
	warmUp, end int64
	// quiet: nodes neither come nor go, and all is about one key.
	quiet bool
}

// keyOf is the key that a version is of.
func (w *replicaTwin) keyOf(version uint64) uint64 {
	if w.quiet {
		return 0
	}
	return version % 2
}

// process reports whether a node is live after record k, since which record, and
// whether it ran before.
func (w *replicaTwin) process(node, k int) (since int, live, again bool) {
	for i, r := range w.records[:k+1] {
		if int(r.Index) != node {
			continue
		}
		switch r.Event.Kind {
		case protocol.EventNodeStarted, protocol.EventNodeRestarted:
			since, live, again = i, true, r.Event.Kind == protocol.EventNodeRestarted
		case protocol.EventNodeCrashed, protocol.EventNodeLeaving:
			live = false
		}
	}
	return since, live, again
}

// written returns the record in which a version is written, -1 if none up to k.
func (w *replicaTwin) written(version uint64, k int) int {
	for i, r := range w.records[:k+1] {
		if r.Event.Kind == evWrite && r.Event.Args[1] == version {
			return i
		}
	}
	return -1
}

// takes returns the records of the writes that a node takes with record k: what
// it applies or writes, or what it applied before that was acknowledged.
func (w *replicaTwin) takes(node, k int) []int {
	r := w.records[k]
	_, live, _ := w.process(node, k)
	switch {
	case !live:
	case r.Event.Kind == evApply && int(r.Index) == node:
		if i := w.written(r.Event.Args[1], k); i >= 0 {
			return []int{i}
		}
	case r.Event.Kind == evWrite && int(r.Index) == node:
		return []int{k}
	case r.Event.Kind == evWrite:
		for i, early := range w.records[:k] {
			_, wasLive, _ := w.process(node, i)
			if early.Event.Kind == evApply && int(early.Index) == node && wasLive && early.Event.Args[1] == r.Event.Args[1] {
				return []int{k}
			}
		}
	}
	return nil
}

// latest is the last write of a key that a node took in its process up to k, -1
// if none.
func (w *replicaTwin) latest(node int, key uint64, k int) int {
	since, live, _ := w.process(node, k)
	latest := -1
	for i := since; live && i <= k; i++ {
		for _, x := range w.takes(node, i) {
			if w.records[x].Event.Args[0] == key {
				latest = max(latest, x)
			}
		}
	}
	return latest
}

// sampleOf is a time that was or was not seen to end.
type sampleOf struct {
	value float64
	ended bool
}

// arrivals returns how long the write of record x took to each other replica.
func (w *replicaTwin) arrivals(x int) (out []sampleOf, cut int) {
	key := w.records[x].Event.Args[0]
	for node := range w.n {
		since, live, _ := w.process(node, x)
		if !live || node == int(w.records[x].Index) {
			continue
		}
		done := false
		for k := x; k < len(w.records) && !done; k++ {
			s, ok, _ := w.process(node, k)
			if !ok || s != since {
				done = true
				break
			}
			for _, taken := range w.takes(node, k) {
				if taken < x || w.records[taken].Event.Args[0] != key {
					continue
				}
				done = true
				if int(w.records[taken].Index) == node && taken == k {
					cut++
					out = append(out, sampleOf{seconds(w.records[k].Time - w.records[x].Time), false})
				} else {
					out = append(out, sampleOf{seconds(w.records[k].Time - w.records[x].Time), true})
				}
				break
			}
		}
		if !done {
			out = append(out, sampleOf{seconds(w.end - w.records[x].Time), false})
		}
	}
	return out, cut
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// survives is the quantile of times by Kaplan and Meier.
func survives(all []sampleOf, q float64) float64 {
	slices.SortFunc(all, func(a, b sampleOf) int {
		switch {
		case a.value < b.value, a.value == b.value && a.ended && !b.ended:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	left := 1.0
	for i, s := range all {
		if s.ended {
			left *= float64(len(all)-i-1) / float64(len(all)-i)
		}
		if 1-left >= q-1e-9 && s.ended {
			return s.value
		}
	}
	return math.NaN()
}

func (w *replicaTwin) expected() map[string]float64 {
	out := map[string]float64{}
	var all, hot, cold []sampleOf
	var stale []float64
	reads, overruled := 0, 0
	for k, r := range w.records {
		counts := r.Time >= w.warmUp
		switch r.Event.Kind {
		case evWrite:
			if !counts {
				continue
			}
			out["replica.writes"]++
			arrived, cut := w.arrivals(k)
			out["replica.arrivals_cut"] += float64(cut)
			out["replica.arrivals_unfinished"] -= float64(cut)
			all = append(all, arrived...)
			if r.Event.Args[2]&pushed != 0 {
				hot = append(hot, arrived...)
			} else {
				cold = append(cold, arrived...)
			}
		case evApply:
			if counts && w.resurrects(k) {
				out["replica.resurrected"]++
			}
		case evRead:
			if _, live, _ := w.process(int(r.Index), k); live && counts {
				reads++
				if w.seen(k) < w.latest(int(r.Index), r.Event.Args[0], k-1) {
					overruled++
				}
				if missed := w.missed(k); missed >= 0 {
					stale = append(stale, seconds(r.Time-w.records[missed].Time))
				}
			}
		}
	}
	out["replica.reads"] = float64(reads)
	if reads > 0 {
		out["replica.overruled_reads"] = float64(overruled) / float64(reads)
		out["replica.stale_reads"] = float64(len(stale)) / float64(reads)
	}
	if len(stale) > 0 {
		out["replica.staleness_s.max"] = slices.Max(stale)
	}
	for name, times := range map[string][]sampleOf{"replica.latency_s": all, "replica.latency_hot_s": hot, "replica.latency_cold_s": cold} {
		for suffix, q := range map[string]float64{".p50": 0.5, ".p90": 0.9, ".max": 1} {
			if len(times) > 0 {
				out[name+suffix] = survives(times, q)
			}
		}
	}
	for _, s := range all {
		if s.ended {
			out["replica.arrivals"]++
		} else {
			out["replica.arrivals_unfinished"]++
		}
	}
	out["replica.lost_writes"] = w.lost()
	w.roots(out)
	w.sessions(out)
	return out
}

// resurrects: record k applies what a deletion that its node holds covered.
func (w *replicaTwin) resurrects(k int) bool {
	r := w.records[k]
	_, live, _ := w.process(int(r.Index), k)
	d := w.latest(int(r.Index), r.Event.Args[0], k-1)
	v := w.written(r.Event.Args[1], k)
	if !live || d < 0 || v >= d || w.records[d].Event.Args[2]&deletes == 0 || v >= 0 && w.records[v].Event.Args[2]&deletes != 0 {
		return false
	}
	if v < 0 {
		return true
	}
	// The deleter took it before, or it is below what it took.
	deleter := int(w.records[d].Index)
	for i := range d {
		if slices.Contains(w.takes(deleter, i), v) && !w.deleted(deleter, r.Event.Args[0], v, i) {
			return true
		}
	}
	for x := d; x >= 0; x = w.latest(int(w.records[x].Index), r.Event.Args[0], x-1) {
		if x == v {
			return true
		}
	}
	return false
}

// deleted reports whether a node's process had, before record k, taken something
// later than a deletion after record v, or that.
func (w *replicaTwin) deleted(node int, key uint64, v, k int) bool {
	latest := w.latest(node, key, k-1)
	for i := v + 1; i <= latest; i++ {
		if r := w.records[i]; r.Event.Kind == evWrite && r.Event.Args[0] == key && r.Event.Args[2]&deletes != 0 {
			return true
		}
	}
	return false
}

// seen is the write that the read of record k saw, -1 if none is known.
func (w *replicaTwin) seen(k int) int {
	key, version := w.records[k].Event.Args[0], w.records[k].Event.Args[1]
	seen := -1
	for i, x := range w.records[:k] {
		if x.Event.Kind == evWrite && x.Event.Args[0] == key && (x.Event.Args[1] == version || version == 0 && x.Event.Args[2]&deletes != 0) {
			seen = i
		}
	}
	return seen
}

// missed is the earliest write that the read of record k missed, -1 if none.
func (w *replicaTwin) missed(k int) int {
	key := w.records[k].Event.Args[0]
	for i := max(w.seen(k), w.latest(int(w.records[k].Index), key, k-1)) + 1; i < k; i++ {
		if x := w.records[i]; x.Event.Kind == evWrite && x.Event.Args[0] == key {
			return i
		}
	}
	return -1
}

func (w *replicaTwin) lost() float64 {
	last := len(w.records) - 1
	lost, alive := 0, false
	for key := range uint64(2) {
		write := -1
		for i, r := range w.records {
			if r.Event.Kind == evWrite && r.Event.Args[0] == key {
				write = i
			}
		}
		if write < 0 || w.records[write].Time < w.warmUp {
			continue
		}
		held := false
		for node := range w.n {
			held = held || w.latest(node, key, last) >= write
		}
		if !held {
			lost++
		}
	}
	known := map[uint64]bool{}
	for node := range w.n {
		_, live, again := w.process(node, last)
		alive = alive || live
		if root, ok, _ := w.root(node, last); live && !again && ok {
			known[root] = true
		}
	}
	for node := range w.n {
		root, ok, _ := w.root(node, last)
		if _, live, again := w.process(node, last); live && again && !(ok && known[root]) && lost > 0 {
			return math.NaN()
		}
	}
	if !alive {
		return math.NaN()
	}
	return float64(lost)
}

// root is what a node's process last reported up to k, and whether it has written
// since.
func (w *replicaTwin) root(node, k int) (root uint64, ok, wrote bool) {
	since, live, _ := w.process(node, k)
	for _, r := range w.records[since : k+1] {
		switch {
		case !live || int(r.Index) != node:
		case r.Event.Kind == evRoot:
			root, ok, wrote = r.Event.Args[0], true, false
		case r.Event.Kind == evWrite:
			wrote = true
		}
	}
	return root, ok, wrote
}

// roots expects what the roots tell.
func (w *replicaTwin) roots(out map[string]float64) {
	since, disturbed, reported := int64(-1), int64(0), false
	for k, r := range w.records {
		switch r.Event.Kind {
		case evApply, evRead, evSessionBegin, evSessionEnd, protocol.EventNodeLeft:
		case evRoot:
			_, live, _ := w.process(int(r.Index), k)
			reported = reported || live
		default:
			if _, live, _ := w.process(int(r.Index), k-1); r.Event.Kind != protocol.EventNodeCrashed || live {
				disturbed = r.Time // the crash of one that was leaving is none
			}
		}
		holders, live, unsaid := map[uint64]int{}, 0, 0
		for node := range w.n {
			if _, ok, _ := w.process(node, k); ok {
				live++
				root, said, wrote := w.root(node, k)
				if said {
					holders[root]++
				}
				if !said || wrote {
					unsaid++
				}
			}
		}
		most := 0
		for _, n := range holders {
			most = max(most, n)
		}
		if same := live > 0 && unsaid == 0 && len(holders) == 1; !same {
			since = -1
		} else if since < 0 {
			since = r.Time
		}
		if live > 0 {
			out["replica.same_root_share"] = float64(most) / float64(live)
		} else {
			delete(out, "replica.same_root_share")
		}
	}
	if !reported {
		delete(out, "replica.same_root_share")
		return
	}
	out["replica.converged_s"] = math.NaN()
	if since >= 0 {
		out["replica.converged_s"] = max(0, seconds(since-disturbed))
	}
}

// sessions expects what became of each that began.
func (w *replicaTwin) sessions(out map[string]float64) {
	longest := -1.0
	for k, r := range w.records {
		if r.Event.Kind != evSessionBegin || r.Time < w.warmUp {
			continue
		}
		out["replica.sessions"]++
		out["replica.sessions_unfinished"]++
		for _, e := range w.records[k+1:] {
			if e.Index != r.Index {
				continue
			}
			if e.Event.Kind == protocol.EventNodeCrashed || e.Event.Kind == protocol.EventNodeLeaving || e.Event.Kind == evSessionBegin && e.Event.Peer == r.Event.Peer {
				break
			}
			if e.Event.Kind == evSessionEnd && e.Event.Peer == r.Event.Peer {
				out["replica.sessions_unfinished"]--
				out["replica.keys_repaired"] += float64(e.Event.Args[2])
				longest = max(longest, seconds(e.Time-r.Time))
				break
			}
		}
	}
	if longest >= 0 {
		out["replica.session_s.max"] = longest
	}
}

// step draws what may happen next.
func (w *replicaTwin) step(t *rapid.T, next uint64) (r protocol.Record, ok bool) {
	k := len(w.records) - 1
	node := rapid.IntRange(0, w.n-1).Draw(t, "node")
	r = protocol.Record{Node: nodeID(node), Index: uint32(node)}
	_, live, _ := w.process(node, k)
	ran, up := false, false
	for _, x := range w.records {
		if int(x.Index) == node {
			switch x.Event.Kind {
			case protocol.EventNodeStarted, protocol.EventNodeRestarted:
				ran, up = true, true
			case protocol.EventNodeCrashed, protocol.EventNodeLeft:
				up = false
			}
		}
	}
	kinds := []protocol.EventKind{
		evWrite, evWrite, evWrite, evWrite, evApply, evApply, evApply, evApply, evApply, evApply, evRead, evRead, evRoot, evRoot, evRoot, evRoot,
		evSessionBegin, evSessionBegin, evSessionBegin, evSessionEnd, evSessionEnd, evSessionEnd, protocol.EventNodeStarted, protocol.EventNodeStarted, protocol.EventNodeStarted, protocol.EventNodeCrashed, protocol.EventNodeRestarted,
		protocol.EventNodeLeaving, protocol.EventNodeLeft,
	}
	if w.quiet {
		kinds = []protocol.EventKind{evWrite, evApply, evApply, evApply, evRead}
	}
	r.Event.Kind = rapid.SampledFrom(kinds).Draw(t, "kind")
	switch r.Event.Kind {
	case protocol.EventNodeStarted:
		return r, !ran
	case protocol.EventNodeRestarted:
		return r, ran && !up
	case protocol.EventNodeCrashed:
		return r, up
	case protocol.EventNodeLeaving:
		return r, live
	case protocol.EventNodeLeft:
		return r, up && !live
	case evWrite:
		r.Event.Args = [3]uint64{w.keyOf(next), next, rapid.Uint64Range(0, 3).Draw(t, "flags")}
	case evApply, evRead:
		// Version 1 to 3 is of before the run; the next ones are acknowledged
		// after they are applied.
		version := rapid.Uint64Range(max(next, 8)-7, next+2).Draw(t, "version")
		r.Event.Args = [3]uint64{w.keyOf(version), version, rapid.Uint64Range(0, 1).Draw(t, "how")}
		if r.Event.Kind == evRead && rapid.Bool().Draw(t, "nothing") {
			r.Event.Args[1] = 0
		}
	case evRoot:
		r.Event.Args = [3]uint64{rapid.Uint64Range(1, 2).Draw(t, "root"), 5, 1}
	default:
		peer := rapid.IntRange(0, w.n-1).Draw(t, "peer")
		r.Event.Peer = nodeID(peer)
		r.Event.Args = [3]uint64{2, 100, 3}
		return r, up && peer != node
	}
	return r, up
}

func TestReplicaMeasuresAreTheirNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		twin := &replicaTwin{n: rapid.IntRange(1, 3).Draw(t, "n"), warmUp: int64(rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "warm-up")) * 1_000_000_000}
		c, err := analysis.NewCollector(analysis.Config{
			Nodes: twin.n, NodeID: nodeID, Events: replicaSpecs(), WarmUp: time.Duration(twin.warmUp), SampleInterval: 300 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		next := uint64(4)
		started := twin.n
		if twin.quiet = rapid.Bool().Draw(t, "quiet"); !twin.quiet {
			started = rapid.IntRange(0, twin.n).Draw(t, "started")
		}
		for i := range started {
			r := protocol.Record{Node: nodeID(i), Index: uint32(i), Event: protocol.Event{Kind: protocol.EventNodeStarted}}
			twin.records = append(twin.records, r)
			c.Observe(r)
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			r, ok := twin.step(t, next)
			if !ok {
				continue
			}
			if r.Event.Kind == evWrite {
				next++
			}
			twin.end += int64(rapid.IntRange(0, 2).Draw(t, "wait")) * 100_000_000
			r.Time = twin.end
			twin.records = append(twin.records, r)
			c.Observe(r)
		}
		twin.end += 500_000_000
		got, err := c.Finish(time.Duration(twin.end), analysis.Counters{NodeMessages: make([]uint64, twin.n), NodeBytes: make([]uint64, twin.n)})
		if err != nil {
			t.Fatal(err)
		}
		if len(twin.records) == 0 {
			return
		}
		want := twin.expected()
		for _, name := range []string{"replica.writes", "replica.arrivals", "replica.arrivals_unfinished", "replica.arrivals_cut", "replica.resurrected"} {
			want[name] += 0 // these are always measured
		}
		for name, v := range want {
			// Histograms have three digits.
			if g, ok := got.Metrics[name]; !ok || math.Abs(g-v) > 1e-3*v && !(math.IsNaN(g) && math.IsNaN(v)) || math.IsNaN(g) != math.IsNaN(v) {
				t.Errorf("%s: got %v (measured: %v), want %v", name, g, ok, v)
			}
		}
		for _, name := range []string{"replica.staleness_s.max", "replica.same_root_share", "replica.converged_s", "replica.session_s.max", "replica.latency_s.max", "replica.latency_hot_s.max"} {
			if _, ok := want[name]; !ok {
				if g, measured := got.Metrics[name]; measured {
					t.Errorf("%s: got %v, want no measure", name, g)
				}
			}
		}
	})
}
