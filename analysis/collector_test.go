package analysis_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// Event numbers of a membership protocol as the tests' stories have it.
const (
	evAlive protocol.EventKind = 0x0101 + iota
	evSuspect
	evDead
	evLeft
	evRefute
	evProbe
	evHealth
	evReap
	evMetadata
)

const setMetadata protocol.CommandKind = 0x0101

func swimSpecs() []protocol.EventSpec {
	names := []string{"alive", "suspect", "confirm_dead", "left", "refute", "probe", "health", "reap", "metadata"}
	specs := make([]protocol.EventSpec, len(names))
	for i, name := range names {
		specs[i] = protocol.EventSpec{Kind: evAlive + protocol.EventKind(i), Name: "swim." + name}
	}
	return specs
}

func nodeID(i int) protocol.NodeID { return protocol.NodeID(1000 + i) }

// story feeds a collector with what happens, in order.
type story struct {
	t *testing.T
	*analysis.Collector
	now time.Duration
	end analysis.Counters
}

func newStory(t *testing.T, nodes int, change ...func(*analysis.Config)) *story {
	t.Helper()
	cfg := analysis.Config{
		Nodes: nodes, NodeID: nodeID, Events: swimSpecs(),
		Commands: []protocol.CommandSpec{{Kind: setMetadata, Name: "swim.set_metadata"}},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := analysis.NewCollector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &story{t: t, Collector: c}
}

// at sets the time, in seconds.
func (s *story) at(seconds float64) *story {
	s.now = time.Duration(seconds * 1e9)
	return s
}

func (s *story) world(kind protocol.EventKind, node int, args ...uint64) *story {
	return s.emit(kind, node, -1, args...)
}

// emit reports an event at a node about a peer; -1 for none.
func (s *story) emit(kind protocol.EventKind, node, peer int, args ...uint64) *story {
	r := protocol.Record{Time: int64(s.now), Node: nodeID(node), Index: uint32(node), Event: protocol.Event{Kind: kind}}
	if peer >= 0 {
		r.Event.Peer = nodeID(peer)
	}
	copy(r.Event.Args[:], args)
	s.Observe(r)
	return s
}

// everyone starts all nodes, who know each other at once.
func (s *story) everyone(nodes int) *story {
	for i := range nodes {
		s.world(protocol.EventNodeStarted, i)
	}
	for o := range nodes {
		for p := range nodes {
			if o != p {
				s.emit(evAlive, o, p)
			}
		}
	}
	return s
}

func (s *story) finish() analysis.Result {
	s.t.Helper()
	r, err := s.Finish(s.now, s.end)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func want(t *testing.T, r analysis.Result, metrics map[string]float64) {
	t.Helper()
	for name, v := range metrics {
		got, ok := r.Metrics[name]
		same := got == v || math.IsNaN(got) && math.IsNaN(v) || near(got, v)
		if !ok || !same {
			t.Errorf("%s: got %v (measured: %v), want %v", name, got, ok, v)
		}
	}
}

func TestACrashIsFollowedUntilAllKnow(t *testing.T) {
	s := newStory(t, 5).everyone(5)
	s.at(10).world(protocol.EventNodeCrashed, 4)
	s.at(11).emit(evSuspect, 0, 4)
	s.at(15).emit(evDead, 0, 4)
	s.at(15.5).emit(evDead, 1, 4)
	s.at(16).emit(evDead, 2, 4)
	s.at(18).emit(evDead, 3, 4)
	r := s.at(30).finish()
	want(t, r, map[string]float64{
		"swim.suspect_first_s.mean": 1, "swim.detect_first_s.mean": 5, "swim.detect_50_s.max": 5.5,
		"swim.detect_all_s.p50": 8, "swim.dissemination_s.mean": 3, "swim.undetected": 0,
		"swim.crashes_measured": 1, "world.crashes": 1, "world.live": 4, "swim.false_positives": 0,
		"swim.view_complete_share": 1, "swim.ghosts": 0,
	})
	// A sample at second k shows what had happened before it.
	share := seriesOf(t, r, "swim.known_dead_share")
	for x, y := range map[float64]float64{11: 0, 15: 0, 16: 0.5, 17: 0.75, 18: 0.75, 19: 1} {
		if got := share[x]; got != y {
			t.Errorf("share that knows at %v s: got %v, want %v", x, got, y)
		}
	}
	age := seriesOf(t, r, "swim.known_dead_share_since_crash")
	for x, y := range map[float64]float64{0: 0, 5: 0, 6: 0.5, 8: 0.75, 9: 1} {
		if got := age[x]; got != y {
			t.Errorf("share that knows %v s after the crash: got %v, want %v", x, got, y)
		}
	}
}

// near allows for the twelve digits that results keep.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-11*math.Abs(want) }

func seriesOf(t *testing.T, r analysis.Result, metric string) map[float64]float64 {
	t.Helper()
	for _, s := range r.Series {
		if s.Metric == metric {
			out := map[float64]float64{}
			for i, x := range s.X {
				out[x] = s.Y[i]
			}
			return out
		}
	}
	t.Fatalf("no series %q", metric)
	return nil
}

func TestADeathThatIsNotOneIsClassed(t *testing.T) {
	const n = 6
	cut := func(a, b int) bool { return (a < 3) != (b < 3) }
	s := newStory(t, n, func(c *analysis.Config) {
		c.NetworkFault = func(fault int) analysis.NetworkFault {
			if fault == 0 {
				return analysis.NetworkFault{Cut: cut}
			}
			return analysis.NetworkFault{Anomalous: []int{5}}
		}
	}).everyone(n)
	s.at(1).emit(evDead, 0, 1)                                              // FP, FP-
	s.at(1).emit(evDead, 0, 1)                                              // the same belief
	s.at(2).emit(evAlive, 0, 1).emit(evDead, 0, 1)                          // flap, and once more
	s.at(3).world(protocol.EventNodePaused, 2)                              //
	s.at(3).emit(evDead, 0, 2)                                              // of a paused member
	s.at(4).world(protocol.EventNodeResumed, 2).emit(evDead, 2, 3)          // FP, not FP-
	s.at(5).world(protocol.EventNetworkChanged, 0, 0, 1).emit(evDead, 0, 3) // across the cut
	s.at(5).emit(evDead, 4, 3)                                              // on one side: FP, FP-
	s.at(6).world(protocol.EventNetworkChanged, 0, 0, 0).emit(evDead, 1, 3) // healed: FP, FP-
	s.at(7).world(protocol.EventNetworkChanged, 0, 1, 1).emit(evDead, 0, 5) // behind bad links
	s.at(8).world(protocol.EventNodeLeaving, 4).emit(evDead, 0, 4)          // while it says goodbye
	s.at(9).world(protocol.EventNodeLeft, 4).emit(evDead, 1, 4)             // after
	r := s.at(10).finish()
	want(t, r, map[string]float64{
		"swim.false_positives": 5, "swim.false_positives_healthy": 4, "swim.anomalous_deaths": 2,
		"swim.unreachable_deaths": 1, "swim.left_deaths": 2, "swim.flaps": 1, "swim.false_positive_members": 2,
		// (0,1), (2,3), (4,3), (1,3) of the members that never were anomalous (0, 1, 3, 4) times 5 others
		"swim.false_positive_rate": 4.0 / 20,
	})
}

func TestARestartEndsTheNewsOfACrash(t *testing.T) {
	s := newStory(t, 3).everyone(3)
	s.at(5).world(protocol.EventNodeCrashed, 2)
	s.at(6).emit(evDead, 0, 2)
	s.at(8).world(protocol.EventNodeRestarted, 2)
	s.at(9).emit(evAlive, 0, 2) // back from its own death: no flap
	s.at(9).emit(evDead, 1, 2)  // old news about one that runs: it restarted, so no false positive
	s.at(10).emit(evAlive, 1, 2)
	r := s.at(20).finish()
	want(t, r, map[string]float64{
		"swim.restarted_undetected": 1, "swim.undetected": 0, "swim.anomalous_deaths": 1, "swim.flaps": 1,
		"swim.detect_first_s.mean": 1, "swim.detect_all_s.mean": math.NaN(), "swim.detect_all_s.max": math.NaN(),
		"world.restarts": 1,
	})
}

func TestWhoCannotLearnInTimeIsNoWitness(t *testing.T) {
	s := newStory(t, 6).everyone(6)
	s.at(1).world(protocol.EventNodePaused, 4)  // paused at the crash
	s.at(2).world(protocol.EventNodeCrashed, 5) //
	s.at(3).emit(evDead, 0, 5).emit(evDead, 1, 5)
	s.at(4).world(protocol.EventNodeCrashed, 2) // a witness crashes
	s.at(5).world(protocol.EventNodeLeaving, 3) // the last one that does not know leaves
	r := s.at(20).finish()
	samples := seriesOf(t, r, "swim.detect_all_s")
	if len(samples) != 1 || samples[2] != 3 {
		t.Errorf("got %v, want that all know of the crash at 2 s after 3 s", samples)
	}
	want(t, r, map[string]float64{"swim.undetected": 1, "swim.crashes_measured": 2})
}

func TestStaleNewsThatRevivesTheDeadIsSeen(t *testing.T) {
	s := newStory(t, 3).everyone(3)
	s.at(1).world(protocol.EventNodeCrashed, 2)
	s.at(2).emit(evDead, 0, 2).emit(evDead, 1, 2)
	s.at(3).emit(evAlive, 1, 2)
	r := s.at(5).finish()
	want(t, r, map[string]float64{"swim.undetected": 1, "swim.ghosts": 1, "swim.detect_all_s.max": 1, "swim.flaps": 0})
}

func TestViewsGrowAndHeal(t *testing.T) {
	s := newStory(t, 4, func(c *analysis.Config) {
		c.NetworkFault = func(int) analysis.NetworkFault {
			return analysis.NetworkFault{Cut: func(a, b int) bool { return (a < 2) != (b < 2) }}
		}
	})
	for i := range 4 {
		s.at(float64(i)).world(protocol.EventNodeStarted, i)
	}
	s.at(4)
	for o := range 4 {
		for p := range 4 {
			if o != p && (o != 3 || p != 0) {
				s.emit(evAlive, o, p)
			}
		}
	}
	s.at(5.5).emit(evAlive, 3, 0)
	s.at(10).world(protocol.EventNetworkChanged, 0, 0, 1)
	s.at(15).emit(evDead, 0, 2).emit(evDead, 2, 0)
	s.at(20).world(protocol.EventNetworkChanged, 0, 0, 0)
	s.at(21).emit(evAlive, 0, 2)
	s.at(24).emit(evAlive, 2, 0)
	r := s.at(30).finish()
	want(t, r, map[string]float64{
		"swim.join_complete_s": 2.5, "swim.whole_again_s": 4, "swim.view_complete_share": 1,
		"swim.unreachable_deaths": 2, "swim.flaps": 2,
	})
	share := seriesOf(t, r, "swim.view_complete_share")
	if share[4] != 0 || !near(share[5], 11.0/12) || share[6] != 1 || !near(share[16], 10.0/12) || share[30] != 1 {
		t.Errorf("got %v", share)
	}
}

// Nodes that begin converged are measured as if each had said of each that it
// is alive; one that comes later has to be heard of.
func TestConvergedNodesKnowEachOther(t *testing.T) {
	s := newStory(t, 4, func(c *analysis.Config) { c.Converged = 3 })
	for i := range 3 {
		s.world(protocol.EventNodeStarted, i)
	}
	s.at(2).world(protocol.EventNodeStarted, 3)
	s.at(3)
	for i := range 3 {
		s.emit(evAlive, i, 3).emit(evAlive, 3, i)
	}
	s.at(5).world(protocol.EventNodeCrashed, 0)
	s.at(6).emit(evDead, 1, 0).emit(evDead, 2, 0)
	s.at(7).emit(evDead, 3, 0)
	r := s.at(9).finish()
	want(t, r, map[string]float64{
		"swim.view_complete_share": 1, "swim.join_complete_s": 1, "swim.detect_first_s.mean": 1, "swim.detect_all_s.mean": 2,
	})
	if share := seriesOf(t, r, "swim.view_complete_share"); share[1] != 1 || !near(share[3], 0.5) || share[4] != 1 {
		t.Errorf("got %v", share)
	}
}

func TestAHealThatNeverCompletesHasNoValue(t *testing.T) {
	s := newStory(t, 2, func(c *analysis.Config) {
		c.NetworkFault = func(int) analysis.NetworkFault {
			return analysis.NetworkFault{Cut: func(a, b int) bool { return a != b }}
		}
	}).everyone(2)
	s.at(1).world(protocol.EventNetworkChanged, 0, 0, 1).emit(evDead, 0, 1)
	s.at(2).world(protocol.EventNetworkChanged, 0, 0, 0)
	want(t, s.at(9).finish(), map[string]float64{"swim.whole_again_s": math.NaN()})
}

func TestMetadataIsFollowed(t *testing.T) {
	s := newStory(t, 4).everyone(4)
	for o := 1; o < 4; o++ {
		s.at(1).emit(evMetadata, o, 0, 1, 77)
	}
	s.at(10).world(protocol.EventCommand, 0, uint64(setMetadata), 0, 1) // refused
	s.at(20).world(protocol.EventCommand, 0, uint64(setMetadata), 0, 0)
	s.at(21).emit(evMetadata, 1, 0, 2, 88)
	s.at(21.5).emit(evMetadata, 3, 0, 1, 77) // the old one, heard late
	s.at(22).emit(evMetadata, 2, 0, 2, 88)
	s.at(24).emit(evMetadata, 3, 0, 2, 88)
	want(t, s.at(30).finish(), map[string]float64{"swim.metadata_updates": 1, "swim.metadata_all_s.mean": 4})
}

func TestNothingBeforeTheWarmUpCounts(t *testing.T) {
	s := newStory(t, 4, func(c *analysis.Config) { c.WarmUp = 10 * time.Second }).everyone(4)
	s.at(2).emit(evDead, 0, 1).emit(evProbe, 0, 2, 0).world(protocol.EventNodeCrashed, 3)
	s.at(8).emit(evHealth, 0, -1, 4)
	s.at(10)
	s.Sample(s.now, analysis.Counters{
		Datagrams: 100, Bytes: 5000, Events: 400, NodeMessages: make([]uint64, 4), NodeBytes: make([]uint64, 4),
		Messages: []analysis.MessageCount{{Name: "swim.ping", Messages: 100, Bytes: 5000}},
		Lost:     []analysis.Count{{Name: "loss", N: 7}},
	})
	s.at(11).emit(evAlive, 0, 1).emit(evProbe, 0, 2, 1, 2_000_000)
	s.end = analysis.Counters{
		Datagrams: 160, Bytes: 8000, Events: 700, NodeMessages: []uint64{30, 20, 10, 0}, NodeBytes: make([]uint64, 4),
		Messages: []analysis.MessageCount{{Name: "swim.ping", Messages: 160, Bytes: 8000}},
		Lost:     []analysis.Count{{Name: "loss", N: 13}, {Name: analysis.LostNobody, N: 5}},
	}
	want(t, s.at(20).finish(), map[string]float64{
		"swim.false_positives": 0, "swim.flaps": 1, "swim.crashes_measured": 0, "world.crashes": 0,
		"swim.probes": 1, "swim.probe_failed_share": 0, "swim.health.mean": 4.0 / 3, "events.swim.confirm_dead": 0,
		"net.datagrams": 60, "net.lost_by_reason.loss": 6, "net.lost": 11, "net.loss_share": 0.1, "engine.events_per_virtual_s": 30,
		"net.messages_per_node_s.mean": 2, "net.messages_per_node_s.max": 3, "net.messages_per_node_s.p50": 2,
		"swim.messages_per_node_s": 2, "net.messages_by_kind.swim.ping": 60,
	})
}

func TestTheCollectorRefusesWhatCannotBe(t *testing.T) {
	for name, tell := range map[string]func(*story){
		"time that runs backwards": func(s *story) { s.at(5).world(protocol.EventNodeStarted, 0).at(4).world(protocol.EventNodeCrashed, 0) },
		"an event without a spec":  func(s *story) { s.emit(0x7f01, 0, 1) },
		"a node that is not there": func(s *story) { s.world(protocol.EventNodeStarted, 2) },
	} {
		s := newStory(t, 2)
		tell(s)
		if _, err := s.Finish(10*time.Second, analysis.Counters{}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	for name, change := range map[string]func(*analysis.Config){
		"no nodes":           func(c *analysis.Config) { c.Nodes = 0 },
		"a negative warm-up": func(c *analysis.Config) { c.WarmUp = -1 },
		"one event's kind twice": func(c *analysis.Config) {
			c.Events = append(c.Events, protocol.EventSpec{Kind: evAlive, Name: "other.alive"})
		},
	} {
		cfg := analysis.Config{Nodes: 2, NodeID: nodeID, Events: swimSpecs()}
		change(&cfg)
		if _, err := analysis.NewCollector(cfg); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestAMemberThatDoesNotExistIsNobodysFalsePositive(t *testing.T) {
	s := newStory(t, 2).everyone(2)
	s.emit(evDead, 0, 70).emit(evSuspect, 0, 70)
	want(t, s.at(1).finish(), map[string]float64{"swim.false_positives": 0, "events.swim.confirm_dead": 1})
}

// Every metric that a collector reports stands in the catalogue, and every
// metric of the catalogue is reported by a run in which everything happens.
func TestTheCatalogueIsComplete(t *testing.T) {
	const n = 5
	s := newStory(t, n, func(c *analysis.Config) {
		c.NetworkFault = func(int) analysis.NetworkFault {
			return analysis.NetworkFault{Cut: func(a, b int) bool { return false }}
		}
		c.Events = append(c.Events, castSpecs()...)
	}).everyone(n)
	s.emit(evLinkUp, 0, 1)
	s.at(1).world(protocol.EventNetworkChanged, 0, 0, 1).emit(evSuspect, 0, 4).emit(evProbe, 0, 1, 1, 3e6).emit(evHealth, 0, -1, 1)
	s.at(2).world(protocol.EventNetworkChanged, 0, 0, 0).world(protocol.EventCommand, 0, uint64(setMetadata), 0, 0)
	s.at(3).world(protocol.EventNodeCrashed, 4).emit(evDead, 0, 4)
	s.at(4).world(protocol.EventNodeLeaving, 3).emit(evLeft, 0, 3)
	s.at(5).emit(evBroadcast, 0, -1, 1, 100).emit(evDeliver, 1, 0, 1, 1)
	s.end = analysis.Counters{
		Datagrams: 10, NodeMessages: make([]uint64, n), NodeBytes: make([]uint64, n),
		Lost: []analysis.Count{{Name: "loss", N: 1}}, Messages: []analysis.MessageCount{{Name: "swim.ping", Messages: 10}},
		Late: &analysis.Lateness{},
	}
	r := s.at(10).finish()
	for name := range r.Metrics {
		if err := analysis.CheckName(name, analysis.UseValue); err != nil {
			t.Error(err)
		}
	}
	series := map[string]bool{}
	for _, s := range r.Series {
		base := strings.TrimSuffix(s.Metric, ".unfinished")
		series[base] = true
		if analysis.CheckName(base, analysis.UseSeries) != nil && analysis.CheckName(base, analysis.UseSamples) != nil {
			if isLinks(base) {
				continue
			}
			t.Errorf("series %q is not in the catalogue", s.Metric)
		}
	}
	for _, m := range analysis.Catalogue() {
		if (m.Series || m.Samples || m.Links) && !series[m.Name] {
			t.Errorf("no series %q", m.Name)
		}
		for _, name := range m.FullNames() {
			if base, grouped := strings.CutSuffix(name, "<group>"); grouped {
				if !anyWithPrefix(r.Metrics, base) {
					t.Errorf("no metric begins with %q", base)
				}
			} else if _, ok := r.Metrics[name]; !ok {
				t.Errorf("no metric %q", name)
			}
		}
	}
}

func isLinks(name string) bool {
	return slices.ContainsFunc(analysis.Catalogue(), func(m analysis.Metric) bool { return m.Name == name && m.Links })
}

func anyWithPrefix(m map[string]float64, prefix string) bool {
	for name := range m {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func TestTheCatalogueSaysEverything(t *testing.T) {
	units := map[string]bool{"s": true, "share": true, "count": true, "1/s": true, "B": true, "B/s": true, "score": true}
	seen := map[string]bool{}
	for _, m := range analysis.Catalogue() {
		if m.Label == "" || m.Definition == "" || m.Source == "" || !units[m.Unit] || seen[m.Name] {
			t.Errorf("metric %q: label, definition or source missing, unit %q unknown, or name taken", m.Name, m.Unit)
		}
		seen[m.Name] = true
		if len(m.FullNames()) == 0 && !m.Series && !m.Links {
			t.Errorf("metric %q: neither a value nor a series", m.Name)
		}
	}
}

func TestNearestName(t *testing.T) {
	for typo, near := range map[string]string{
		"swim.false_positve":    "swim.false_positives",
		"swim.detect_all_s":     "swim.detect_all_s.mean",
		"swim.detect_al_s.p99":  "swim.detect_all_s.p99",
		"net.lossshare":         "net.loss_share",
		"something quite other": "",
	} {
		if got := analysis.Nearest(typo); got != near {
			t.Errorf("Nearest(%q) = %q, want %q", typo, got, near)
		}
	}
	err := analysis.CheckName("swim.known_dead_shar", analysis.UseSeries)
	if err == nil || !strings.Contains(err.Error(), `"swim.known_dead_share"`) {
		t.Errorf("got %v, want an error that names the series", err)
	}
}

func BenchmarkObserve(b *testing.B) {
	const n = 1000
	c, err := analysis.NewCollector(analysis.Config{Nodes: n, NodeID: nodeID, Events: swimSpecs(), Index: func(id protocol.NodeID) (int, bool) {
		return int(id) - 1000, int(id) < 1000+n
	}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		c.Observe(protocol.Record{Index: uint32(i), Event: protocol.Event{Kind: protocol.EventNodeStarted}})
	}
	b.ReportAllocs()
	r := protocol.NewRand(1)
	kinds := []protocol.EventKind{evAlive, evAlive, evSuspect, evProbe, evProbe, evProbe}
	for i := 0; b.Loop(); i++ {
		c.Observe(protocol.Record{
			Time: int64(i) * 1000, Index: uint32(r.IntN(n)),
			Event: protocol.Event{Kind: kinds[i%len(kinds)], Peer: nodeID(r.IntN(n)), Args: [3]uint64{1, 1000}},
		})
	}
}
