package analysis_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// naive is the collector's twin: it keeps everything in maps, counts from
// scratch after every event, and is obviously right and slow.
type naive struct {
	n                                       int
	now                                     int64
	live, paused, anomalous, running, ever  map[int]bool
	gone                                    map[int]bool // leaving or left
	cut                                     bool
	dead, view, pairs                       map[[2]int]bool // (observer, subject)
	seen                                    map[int]bool
	fp, fpMinus, anom, unreach, left, flaps int
	crashes                                 []*naiveCrash
	open                                    map[int]*naiveCrash
}

type naiveCrash struct {
	subject          int
	at               int64
	witness, knows   map[int]bool
	had              bool
	first, half, all int64
	restarted        bool
}

func newNaive(n int) *naive {
	m := func() map[int]bool { return map[int]bool{} }
	p := func() map[[2]int]bool { return map[[2]int]bool{} }
	return &naive{
		n: n, live: m(), paused: m(), anomalous: m(), running: m(), ever: m(), gone: m(), seen: m(),
		dead: p(), view: p(), pairs: p(), open: map[int]*naiveCrash{},
	}
}

// apart is the only cut of these stories: even from odd.
func apart(a, b int) bool { return a%2 != b%2 }

func (v *naive) observe(kind protocol.EventKind, o, s int) {
	pair := [2]int{o, s}
	switch kind {
	case protocol.EventNodeStarted, protocol.EventNodeRestarted:
		v.live[o], v.running[o], v.ever[o], v.gone[o] = true, true, true, false
		if kind == protocol.EventNodeRestarted {
			v.anomalous[o] = true
			if c := v.open[o]; c != nil {
				c.restarted = true
				delete(v.open, o)
			}
		}
	case protocol.EventNodeCrashed, protocol.EventNodeLeaving:
		v.depart(o, kind == protocol.EventNodeCrashed)
	case protocol.EventNodeLeft:
		v.running[o] = false
	case protocol.EventNodePaused:
		v.paused[o], v.anomalous[o] = true, true
		for _, c := range v.crashes {
			delete(c.witness, o)
		}
	case protocol.EventNodeResumed:
		v.paused[o] = false
	case evAlive:
		if v.dead[pair] {
			v.flaps++
		}
		delete(v.dead, pair)
		v.view[pair], v.seen[o] = true, true
		if c := v.open[s]; c != nil {
			delete(c.knows, o)
		}
	case evDead:
		v.declare(o, s)
		delete(v.view, pair)
		v.learn(o, s)
	case evLeft:
		delete(v.view, pair)
		v.learn(o, s)
	case evReap:
		delete(v.view, pair)
	}
	v.recount()
}

func (v *naive) depart(o int, crash bool) {
	was := v.live[o]
	v.live[o] = false
	v.gone[o] = !crash
	if crash {
		v.running[o], v.paused[o] = false, false
	}
	if !was {
		return
	}
	for _, c := range v.crashes {
		delete(c.witness, o)
	}
	if crash {
		c := &naiveCrash{subject: o, at: v.now, witness: map[int]bool{}, knows: map[int]bool{}, first: -1, half: -1, all: -1}
		for w := range v.n {
			if v.live[w] && !v.paused[w] && (v.dead[[2]int{w, o}] || v.view[[2]int{w, o}] || !v.seen[w]) {
				c.witness[w], c.had = true, true
				if v.dead[[2]int{w, o}] {
					c.knows[w], c.first = true, v.now
				}
			}
		}
		v.crashes = append(v.crashes, c)
		v.open[o] = c
	}
	for x := range v.n {
		delete(v.dead, [2]int{o, x})
		delete(v.dead, [2]int{x, o})
		delete(v.view, [2]int{o, x})
	}
	v.seen[o] = false
}

func (v *naive) declare(o, s int) {
	switch {
	case v.gone[s]:
		v.left++
	case !v.live[s] || v.dead[[2]int{o, s}]:
	default:
		v.dead[[2]int{o, s}] = true
		switch {
		case v.cut && apart(o, s):
			v.unreach++
		case v.anomalous[s]:
			v.anom++
		default:
			v.fp++
			v.pairs[[2]int{o, s}] = true
			if !v.anomalous[o] {
				v.fpMinus++
			}
		}
	}
}

func (v *naive) learn(o, s int) {
	if c := v.open[s]; c != nil {
		c.knows[o] = true
		if c.first < 0 {
			c.first = v.now
		}
	}
}

func (v *naive) recount() {
	for _, c := range v.crashes {
		if c.restarted || len(c.witness) == 0 {
			continue
		}
		k := c.knowing()
		if 2*k >= len(c.witness) && c.half < 0 && k > 0 {
			c.half = v.now
		}
		if k == len(c.witness) && c.all < 0 {
			c.all = v.now
		}
	}
}

func (c *naiveCrash) knowing() int {
	k := 0
	for w := range c.witness {
		if c.knows[w] {
			k++
		}
	}
	return k
}

// expected returns metrics as the definitions in the catalogue say.
func (v *naive) expected() map[string]float64 {
	out := map[string]float64{
		"swim.false_positives": float64(v.fp), "swim.false_positives_healthy": float64(v.fpMinus),
		"swim.anomalous_deaths": float64(v.anom), "swim.unreachable_deaths": float64(v.unreach),
		"swim.left_deaths": float64(v.left), "swim.flaps": float64(v.flaps),
	}
	live, complete, ghosts, members, subjects, pairs := 0, 0, 0, 0, 0, 0
	for s := range v.n {
		if v.live[s] {
			live++
		}
		if v.ever[s] {
			members++
			if !v.anomalous[s] {
				subjects++
			}
		}
		for o := range v.n {
			if v.view[[2]int{o, s}] && v.live[o] {
				if v.live[s] {
					complete++
				} else {
					ghosts++
				}
			}
			if v.pairs[[2]int{o, s}] && !v.anomalous[s] {
				pairs++
			}
		}
	}
	out["world.live"], out["swim.ghosts"] = float64(live), float64(ghosts)
	out["swim.view_complete_share"] = math.NaN()
	if live > 1 {
		out["swim.view_complete_share"] = float64(complete) / float64(live*(live-1))
	}
	if subjects*(members-1) > 0 {
		out["swim.false_positive_rate"] = float64(pairs) / float64(subjects*(members-1))
	}
	undetected, measured, all := 0, 0, 0
	for _, c := range v.crashes {
		if !c.had {
			continue
		}
		measured++
		if !c.restarted && c.knowing() < len(c.witness) {
			undetected++
		}
		if c.all >= 0 {
			all++
		}
	}
	out["swim.undetected"], out["swim.crashes_measured"] = float64(undetected), float64(measured)
	return out
}

// times returns when each crash that got there had been so, by crash time.
func (v *naive) times(reached func(*naiveCrash) int64) map[float64]int {
	out := map[float64]int{}
	for _, c := range v.crashes {
		if t := reached(c); c.had && t >= 0 {
			out[float64(t-c.at)/1e9]++
		}
	}
	return out
}

// step draws one thing that may happen next; ok is false if it cannot.
func (v *naive) step(t *rapid.T) (kind protocol.EventKind, o, s int, ok bool) {
	o = rapid.IntRange(0, v.n-1).Draw(t, "node")
	s = -1
	kind = rapid.SampledFrom([]protocol.EventKind{
		protocol.EventNodeStarted, protocol.EventNodeCrashed, protocol.EventNodeRestarted, protocol.EventNodeLeaving,
		protocol.EventNodeLeft, protocol.EventNodePaused, protocol.EventNodeResumed, protocol.EventNetworkChanged,
		evAlive, evAlive, evAlive, evAlive, evDead, evDead, evDead, evDead, evDead, evLeft, evReap,
	}).Draw(t, "kind")
	switch kind {
	case protocol.EventNodeStarted:
		return kind, o, s, !v.ever[o]
	case protocol.EventNodeRestarted:
		return kind, o, s, v.ever[o] && !v.running[o]
	case protocol.EventNodeCrashed:
		return kind, o, s, v.running[o]
	case protocol.EventNodeLeaving:
		return kind, o, s, v.live[o] && !v.paused[o]
	case protocol.EventNodeLeft:
		return kind, o, s, v.running[o] && !v.live[o]
	case protocol.EventNodePaused, protocol.EventNodeResumed:
		return kind, o, s, v.live[o] && v.paused[o] == (kind == protocol.EventNodeResumed)
	case protocol.EventNetworkChanged:
		return kind, 0, s, true
	}
	s = rapid.IntRange(0, v.n-1).Draw(t, "peer")
	return kind, o, s, v.live[o] && s != o && v.ever[s]
}

func TestCollectorIsItsNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "n")
		twin := newNaive(n)
		c, err := analysis.NewCollector(analysis.Config{
			Nodes: n, NodeID: nodeID, Events: swimSpecs(), SampleInterval: 300 * time.Millisecond,
			NetworkFault: func(int) analysis.NetworkFault { return analysis.NetworkFault{Cut: apart} },
		})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			kind, o, s, ok := twin.step(t)
			if !ok {
				continue
			}
			twin.now += int64(rapid.IntRange(0, 2).Draw(t, "wait")) * 100_000_000
			r := protocol.Record{Time: twin.now, Node: nodeID(o), Index: uint32(o), Event: protocol.Event{Kind: kind}}
			if s >= 0 {
				r.Event.Peer = nodeID(s)
			}
			if kind == protocol.EventNetworkChanged {
				twin.cut = !twin.cut
				if twin.cut {
					r.Event.Args[1] = 1
				}
			} else {
				twin.observe(kind, o, s)
			}
			c.Observe(r)
		}
		got, err := c.Finish(time.Duration(twin.now), analysis.Counters{})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range twin.expected() {
			if g, ok := got.Metrics[name]; !ok || !near(g, v) && !(math.IsNaN(g) && math.IsNaN(v)) {
				t.Errorf("%s: got %v, want %v", name, g, v)
			}
		}
		sameTimes(t, got, "swim.detect_first_s", twin.times(func(c *naiveCrash) int64 { return c.first }))
		sameTimes(t, got, "swim.detect_50_s", twin.times(func(c *naiveCrash) int64 { return c.half }))
		sameTimes(t, got, "swim.detect_all_s", twin.times(func(c *naiveCrash) int64 { return c.all }))
	})
}

func sameTimes(t *rapid.T, r analysis.Result, metric string, want map[float64]int) {
	got := map[float64]int{}
	for _, s := range r.Series {
		if s.Metric == metric {
			for _, y := range s.Y {
				got[y]++
			}
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", metric, got, want)
	}
	for v, n := range want {
		if got[v] != n {
			t.Fatalf("%s: got %v, want %v", metric, got, want)
		}
	}
}
