package analysis

import "math"

// finish reports how versions travelled.
func (m *replicas) finish(out *results) {
	at := seconds(m.c.now)
	m.unfinished()
	out.count("replica.writes", m.writes)
	out.count("replica.arrivals", m.latency.ended.count())
	out.count("replica.arrivals_unfinished", m.latency.open.count()-m.cut)
	out.count("replica.arrivals_cut", m.cut)
	out.count("replica.resurrected", m.resurrected)
	out.count("replica.reads", m.reads)
	out.share("replica.stale_reads", m.stale, m.reads)
	out.share("replica.overruled_reads", m.backwards, m.reads)
	out.share("replica.pulled_share", m.pulled, m.pushed+m.pulled)
	out.share("replica.followed_share", 1, int64(m.table.mask+1))
	out.metrics["replica.lost_writes"] = m.lost()

	m.latency.finish(out, "replica.latency_s", at)
	m.hot.finish(out, "replica.latency_hot_s", at)
	m.cold.finish(out, "replica.latency_cold_s", at)
	if m.stale > 0 {
		out.deliveries("replica.staleness_s", at, m.staleness)
	}
	m.roots.finish(out)
	m.sessions.finish(out, at)
}

// unfinished notes what live replicas wait for.
func (m *replicas) unfinished() {
	for i := range m.nodes {
		r := &m.nodes[i]
		if !r.live {
			continue
		}
		for key := range m.table.byKey {
			after := max(r.upto.get(uint32(key)), r.since)
			for _, x := range m.table.between(uint32(key), after, m.table.last()) {
				if w := &m.table.writes[x]; m.measured(x) {
					m.latency.open.record(m.c.now - w.at)
					m.byHeat(w).open.record(m.c.now - w.at)
				}
			}
		}
	}
}

// lost counts the writes that no live replica holds; NaN if that cannot be told.
func (m *replicas) lost() float64 {
	n, live := 0, false
	for i := range m.nodes {
		live = live || m.nodes[i].live
	}
	for key := range m.table.byKey {
		if x := lastOf(m.table.byKey[key].all); x != 0 && m.measured(x) && !m.held(uint32(key), x) {
			n++
		}
	}
	if !live || n > 0 && !m.known() {
		return math.NaN()
	}
	return float64(n)
}

// held reports whether a live replica took a version or a later one.
func (m *replicas) held(key, number uint32) bool {
	for i := range m.nodes {
		if m.nodes[i].live && m.nodes[i].upto.get(key) >= number {
			return true
		}
	}
	return false
}

// known reports whether events tell all that live replicas hold: each has run
// since it first came, or has the same root as one that has.
func (m *replicas) known() bool {
	roots := map[uint64]bool{}
	for i := range m.nodes {
		if n := &m.roots.nodes[i]; m.nodes[i].live && !m.nodes[i].again && n.reported {
			roots[n.root] = true
		}
	}
	for i := range m.nodes {
		if n := &m.roots.nodes[i]; m.nodes[i].live && m.nodes[i].again && !(n.reported && roots[n.root]) {
			return false
		}
	}
	return true
}
