package analysis

import (
	"github.com/starling-sim/starling/protocol"
)

// status is what has become of a member.
type status uint8

const (
	absent status = iota // has not joined yet
	live
	leaving // told to leave, process still runs
	crashed
	left
)

// member is the ground truth about one node.
type member struct {
	status    status
	paused    bool
	anomalous bool  // is or was paused, restarted or behind impaired links
	since     int64 // process runs since
	ran       int64 // ns that earlier processes ran after the warm-up
}

func (m member) running() bool { return m.status == live || m.status == leaving }

// cut is a fault that keeps members from each other.
type cut struct {
	fault int
	apart func(a, b int) bool
}

// truth is what the world says about its nodes and its network.
type truth struct {
	c       *Collector
	members []member
	live    int // members in status live
	running int
	cuts    []cut

	totalNs   uint64 // node-nanoseconds that processes ran
	runningNs uint64 // those after the warm-up

	crashes, leaves, restarts, pauses int64
}

func newTruth(c *Collector) *truth {
	return &truth{c: c, members: make([]member, c.cfg.Nodes)}
}

func (t *truth) register() {
	t.c.on("world.started", func(r *protocol.Record, _ int) { t.start(int(r.Index), false) })
	t.c.on("world.restarted", func(r *protocol.Record, _ int) { t.start(int(r.Index), true) })
	t.c.on("world.crashed", func(r *protocol.Record, _ int) { t.end(int(r.Index), crashed) })
	t.c.on("world.left", func(r *protocol.Record, _ int) { t.end(int(r.Index), left) })
	t.c.on("world.leaving", func(r *protocol.Record, _ int) { t.leave(int(r.Index)) })
	t.c.on("world.paused", func(r *protocol.Record, _ int) { t.pause(int(r.Index)) })
	t.c.on("world.resumed", func(r *protocol.Record, _ int) { t.members[r.Index].paused = false })
	t.c.on("world.network", func(r *protocol.Record, _ int) {
		if r.Event.Args[1] == 1 {
			t.beginFault(int(r.Event.Args[0]))
		} else {
			t.endFault(int(r.Event.Args[0]))
		}
	})
}

func (t *truth) start(i int, again bool) {
	m := &t.members[i]
	if m.running() {
		return
	}
	m.status, m.since = live, t.c.now
	t.live++
	t.running++
	if again {
		m.anomalous = true
		t.restarts += t.one()
	}
	if t.c.swim != nil {
		t.c.swim.started(i, again)
	}
	if t.c.casts != nil {
		t.c.casts.started(i, again)
	}
	if t.c.replica != nil {
		t.c.replica.started(i, again)
	}
	if t.c.overlay != nil {
		t.c.overlay.moved()
	}
}

// end is the end of a process.
func (t *truth) end(i int, as status) {
	m := &t.members[i]
	if !m.running() {
		return
	}
	was := m.status
	m.ran += t.c.now - max(m.since, min(int64(t.c.cfg.WarmUp), t.c.now))
	m.status, m.paused = as, false
	t.running--
	if as == crashed {
		t.crashes += t.one()
		if t.c.casts != nil {
			t.c.casts.crash()
		}
	}
	if t.c.overlay != nil {
		t.c.overlay.ended(i)
	}
	if was == live {
		t.live--
		t.departed(i, as)
	}
}

func (t *truth) leave(i int) {
	m := &t.members[i]
	if m.status != live {
		return
	}
	m.status = leaving
	t.live--
	t.leaves += t.one()
	t.departed(i, leaving)
}

func (t *truth) departed(i int, as status) {
	if t.c.swim != nil {
		t.c.swim.departed(i, as)
	}
	if t.c.casts != nil {
		t.c.casts.departed(i)
	}
	if t.c.replica != nil {
		t.c.replica.departed(i)
	}
	if t.c.overlay != nil {
		t.c.overlay.moved()
	}
}

func (t *truth) pause(i int) {
	m := &t.members[i]
	m.paused, m.anomalous = true, true
	t.pauses += t.one()
	if t.c.swim != nil {
		t.c.swim.spread.dropWitness(i)
	}
}

func (t *truth) beginFault(fault int) {
	if t.c.cfg.NetworkFault == nil {
		return
	}
	f := t.c.cfg.NetworkFault(fault)
	for _, i := range f.Anomalous {
		t.members[i].anomalous = true
	}
	if f.Cut != nil {
		t.cuts = append(t.cuts, cut{fault: fault, apart: f.Cut})
		if t.c.swim != nil {
			t.c.swim.views.cutBegan()
		}
	}
}

func (t *truth) endFault(fault int) {
	for k, c := range t.cuts {
		if c.fault == fault {
			t.cuts = append(t.cuts[:k], t.cuts[k+1:]...)
			if len(t.cuts) == 0 && t.c.swim != nil {
				t.c.swim.views.cutsEnded()
			}
			return
		}
	}
}

// cutOff reports whether a fault keeps two members from each other now.
func (t *truth) cutOff(a, b int) bool {
	for _, c := range t.cuts {
		if c.apart(a, b) {
			return true
		}
	}
	return false
}

// one is 1 when the warm-up is over.
func (t *truth) one() int64 {
	if t.c.counting() {
		return 1
	}
	return 0
}

// pass lets time pass, of which the last part counts.
func (t *truth) pass(ns, counting int64) {
	t.totalNs += uint64(ns) * uint64(t.running)
	t.runningNs += uint64(counting) * uint64(t.running)
}

func (t *truth) sample(c *Collector) {
	c.series.add("world.live", "", seconds(c.now), float64(t.live))
}

// ranSeconds is for how long the node's processes ran after the warm-up.
func (t *truth) ranSeconds(i int) float64 {
	m := t.members[i]
	ran := m.ran
	if m.running() {
		ran += t.c.now - max(m.since, min(int64(t.c.cfg.WarmUp), t.c.now))
	}
	return seconds(ran)
}

func (t *truth) finish(out *results) {
	out.count("world.live", int64(t.live))
	out.count("world.crashes", t.crashes)
	out.count("world.leaves", t.leaves)
	out.count("world.restarts", t.restarts)
	out.count("world.pauses", t.pauses)
}
