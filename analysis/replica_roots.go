package analysis

import "math"

// roots follow what replicas say that they hold.
type roots struct {
	c     *Collector
	nodes []rootNode
	// holders counts the live replicas by the root that they reported last.
	holders  map[uint64]int
	live     int
	reported int // live ones that have reported a root
	unsaid   int // live ones that have not since they last wrote
	keys     uint64
	deleted  uint64
	any      bool

	disturbance int64 // when something last happened that sets replicas apart
	same        bool  // all live replicas have the same root
	since       int64 // same has been true since
}

type rootNode struct {
	live, reported, unsaid bool
	root, keys, deleted    uint64
}

func newRoots(c *Collector, nodes int) roots {
	return roots{c: c, nodes: make([]rootNode, nodes), holders: map[uint64]int{}}
}

// forget takes what a node said out of the sums.
func (m *roots) forget(n *rootNode) {
	if n.unsaid {
		n.unsaid = false
		m.unsaid--
	}
	if !n.reported {
		return
	}
	n.reported = false
	m.reported--
	m.keys -= n.keys
	m.deleted -= n.deleted
	if m.holders[n.root]--; m.holders[n.root] == 0 {
		delete(m.holders, n.root)
	}
}

func (m *roots) report(i int, args [3]uint64) {
	n := &m.nodes[i]
	if !n.live {
		return
	}
	m.any = true
	m.forget(n)
	n.reported, n.root, n.keys, n.deleted = true, args[0], args[1], args[2]
	m.reported++
	m.holders[n.root]++
	m.keys += n.keys
	m.deleted += n.deleted
	m.check()
}

// wrote: what a node last said that it holds is not what it holds.
func (m *roots) wrote(i int) {
	if n := &m.nodes[i]; n.live && !n.unsaid {
		n.unsaid = true
		m.unsaid++
	}
	m.disturbed()
}

func (m *roots) started(i int) {
	m.nodes[i] = rootNode{live: true}
	m.live++
	m.disturbed()
}

func (m *roots) departed(i int) {
	m.forget(&m.nodes[i])
	m.nodes[i].live = false
	m.live--
	m.disturbed()
}

func (m *roots) disturbed() {
	m.disturbance = m.c.now
	m.check()
}

// check notes since when all have had the same root.
func (m *roots) check() {
	same := m.live > 0 && m.reported == m.live && m.unsaid == 0 && len(m.holders) == 1
	if same && !m.same {
		m.since = m.c.now
	}
	m.same = same
}

// share is the share of the live replicas that have the most common root.
func (m *roots) share() float64 {
	most := 0
	//starling:exempt maprange the largest is the same in any order
	for _, n := range m.holders {
		most = max(most, n)
	}
	return float64(most) / float64(m.live)
}

func (m *roots) sample() {
	if !m.any || m.live == 0 {
		return
	}
	add := func(name string, v float64) { m.c.series.add(name, "", seconds(m.c.now), v) }
	add("replica.same_root_share", m.share())
	if m.reported > 0 {
		add("replica.keys", float64(m.keys)/float64(m.reported))
		add("replica.tombstones", float64(m.deleted)/float64(m.reported))
	}
}

func (m *roots) finish(out *results) {
	if !m.any {
		return
	}
	out.share("replica.keys", int64(m.keys), int64(m.reported))
	out.share("replica.tombstones", int64(m.deleted), int64(m.reported))
	if m.live > 0 {
		out.metrics["replica.same_root_share"] = m.share()
	}
	out.metrics["replica.converged_s"] = math.NaN()
	if m.same {
		out.metrics["replica.converged_s"] = seconds(max(0, m.since-m.disturbance))
	}
}
