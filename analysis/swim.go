package analysis

import "github.com/starling-sim/starling/protocol"

// swimMeasures hold what SWIM members say about each other against the truth.
// They know the protocol by the names of its events only.
type swimMeasures struct {
	c      *Collector
	deaths deaths
	spread spreads
	views  views
	probes probes
	health health
}

func newSwimMeasures(c *Collector) *swimMeasures {
	n := c.cfg.Nodes
	m := &swimMeasures{
		c:      c,
		deaths: deaths{truth: c.truth, pairs: newSets(n), believed: newSets(n)},
		spread: newSpreads(c.truth, c.cfg.SampleInterval),
		views:  views{truth: c.truth},
		probes: probes{rtt: newHistogram()},
		health: health{truth: c.truth, score: make([]uint8, n)},
	}
	if n <= c.cfg.ViewLimit {
		m.views.rows = make([]bitset, n)
	}
	return m
}

func (m *swimMeasures) register() {
	// What a member says of itself, or while it is leaving, is no measure's.
	on := func(name string, handle func(r *protocol.Record, observer, subject int)) {
		m.c.on(name, func(r *protocol.Record, subject int) {
			observer := int(r.Index)
			if subject >= 0 && subject != observer && m.c.truth.members[observer].status == live {
				handle(r, observer, subject)
			}
		})
	}
	on("swim.alive", func(_ *protocol.Record, o, s int) {
		m.deaths.alive(o, s)
		m.spread.unlearnGone(o, s)
		m.views.add(o, s)
	})
	on("swim.suspect", func(_ *protocol.Record, o, s int) {
		m.deaths.suspected(o, s)
		m.spread.suspected(s)
	})
	on("swim.confirm_dead", func(_ *protocol.Record, o, s int) {
		m.deaths.declared(o, s)
		m.spread.learnGone(o, s)
		m.views.remove(o, s)
	})
	on("swim.left", func(_ *protocol.Record, o, s int) {
		m.spread.learnGone(o, s)
		m.views.remove(o, s)
	})
	on("swim.reap", func(_ *protocol.Record, o, s int) { m.views.remove(o, s) })
	on("swim.metadata", func(r *protocol.Record, o, s int) { m.spread.learnMetadata(o, s, r.Event.Args[1]) })
	on("swim.probe", func(r *protocol.Record, _, _ int) {
		if m.c.counting() {
			m.probes.ended(r.Event.Args[0], int64(r.Event.Args[1]))
		}
	})
	m.c.on("swim.refute", func(*protocol.Record, int) { m.deaths.refutations += m.c.truth.one() })
	m.c.on("swim.health", func(r *protocol.Record, _ int) {
		m.health.changed(int(r.Index), r.Event.Args[0], m.c.counting())
	})
	m.registerMetadataCommand()
}

// registerMetadataCommand watches for the command that changes a member's
// metadata.
func (m *swimMeasures) registerMetadataCommand() {
	for _, spec := range m.c.cfg.Commands {
		if spec.Name != "swim.set_metadata" {
			continue
		}
		m.c.on("world.command", func(r *protocol.Record, _ int) {
			refused := r.Event.Args[2] == 1
			if !refused && protocol.CommandKind(r.Event.Args[0]) == spec.Kind {
				m.spread.metadataChanged(int(r.Index))
			}
		})
	}
}

func (m *swimMeasures) started(i int, again bool) {
	if again {
		m.spread.cameBack(i)
	}
	m.views.started(i, again)
	if !again && i < m.c.cfg.Converged {
		m.views.knowsFirst(i, m.c.cfg.Converged)
	}
}

// departed is told when a live member crashes or is told to leave. The order
// matters: the news of it starts from who believed it dead before.
func (m *swimMeasures) departed(i int, as status) {
	m.spread.dropWitness(i)
	m.spread.gone(i, as, &m.deaths, &m.views)
	m.deaths.departed(i)
	m.views.departed(i)
	m.health.departed(i)
}

func (m *swimMeasures) sample() {
	m.spread.sample(m.c.series, m.c.now)
	m.views.sample(m.c.series)
	if m.c.truth.live > 0 {
		m.c.series.add("swim.health", "", seconds(m.c.now), float64(m.health.sum)/float64(m.c.truth.live))
	}
}

func (m *swimMeasures) finish(out *results) {
	m.deaths.finish(out)
	m.spread.finish(out)
	m.views.finish(out)
	m.probes.finish(out)
	m.health.finish(out)
}
