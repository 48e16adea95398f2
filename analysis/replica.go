package analysis

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// replicas follow versions of keys from their writing until they have taken
// effect everywhere. They know protocols by the roles of their events only.
//
// A replica takes a version when it writes or applies it. Writes are numbered
// from 1 in the order in which they were acknowledged, which is what later means
// here; a version of which no event tells the writing (initial data) is older
// than all. By which order the protocol resolves conflicts no event tells: where
// clocks are wrong, of concurrent writes an earlier one may win.
//
// Memory: about 80 bytes and a bit per replica for each write, 100 bytes for each
// key that was written, 4 for each replica and key that it took; a few numbers
// for each replica. Above a limit (Config.ReplicaLimit) only a part of the keys is
// followed, by their hashes.
type replicas struct {
	c     *Collector
	table writeTable
	nodes []replicaNode
	// early are the takers of versions that were not acknowledged when they
	// were applied, earlies how many.
	early   map[uint64][]uint32
	earlies int

	writes, reads, stale int64
	backwards            int64 // reads that saw less than the replica had taken
	cut, resurrected     int64
	pushed, pulled       int64
	latency, hot, cold   watched
	staleness            *histogram
	roots                roots
	sessions             sessions
}

// replicaNode is what one replica took in the process that runs.
type replicaNode struct {
	live, again bool
	// since is the number of the last write before the process began.
	since uint32
	upto  column
}

// maxEarly bounds the versions that are remembered because they may yet be
// acknowledged.
const maxEarly = 1 << 16

// maxLatency is the longest time that a histogram of latencies holds.
const maxLatency = int64(1000 * 3600e9)

// newReplicasOf returns nil if no protocol replicates.
func newReplicasOf(c *Collector, events []protocol.EventSpec) *replicas {
	m := &replicas{c: c}
	on := map[protocol.EventRole]func(r *protocol.Record, peer int){
		protocol.RoleWrite: func(r *protocol.Record, _ int) { m.write(int(r.Index), r.Event.Args) },
		protocol.RoleApply: func(r *protocol.Record, _ int) { m.apply(int(r.Index), r.Event.Args) },
		protocol.RoleRead:  func(r *protocol.Record, _ int) { m.read(int(r.Index), r.Event.Args[0], r.Event.Args[1]) },
		protocol.RoleRoot:  func(r *protocol.Record, _ int) { m.roots.report(int(r.Index), r.Event.Args) },
		protocol.RoleSessionBegin: func(r *protocol.Record, peer int) {
			m.sessions.begin(int(r.Index), peer, c.now, c.counting())
		},
		protocol.RoleSessionEnd: func(r *protocol.Record, peer int) {
			m.sessions.ended(int(r.Index), peer, c.now, r.Event.Args)
		},
	}
	found := false
	for _, spec := range events {
		if do, ok := on[spec.Role]; ok {
			c.also(spec.Name, do)
			found = true
		}
	}
	if !found {
		return nil
	}
	n := c.cfg.Nodes
	m.table = newWriteTable(n)
	m.nodes = make([]replicaNode, n)
	m.early = map[uint64][]uint32{}
	m.latency, m.hot, m.cold = newWatched(), newWatched(), newWatched()
	m.staleness = newHistogramUpTo(maxLatency)
	m.roots = newRoots(c, n)
	m.sessions = newSessions(n)
	// The world's own events come to the truth first.
	for _, name := range []string{"world.network", "world.paused", "world.resumed"} {
		c.also(name, func(*protocol.Record, int) { m.roots.disturbed() })
	}
	return m
}

// started: a process that starts again has what its disk had, of which no event
// tells.
func (m *replicas) started(i int, again bool) {
	m.nodes[i] = replicaNode{live: true, again: again, since: m.table.last()}
	m.roots.started(i)
}

func (m *replicas) departed(i int) {
	m.nodes[i].live = false
	m.table.release(&m.nodes[i].upto)
	m.roots.departed(i)
	m.sessions.departed(i)
}

// write: a node's application wrote a key and was told that it is done.
func (m *replicas) write(node int, args [3]uint64) {
	r := &m.nodes[node]
	m.roots.wrote(node)
	if !m.table.follows(args[0]) {
		return
	}
	if args[1] == 0 || m.table.byVersion[args[1]] != 0 {
		m.c.err = fmt.Errorf("observe: version %#016x was written twice or is 0, want a version of its own for each write", args[1])
		return
	}
	key := m.table.key(args[0])
	w := write{at: m.c.now, key: key, node: uint32(node), flags: uint8(args[2])}
	w.saw = r.upto.get(key)
	if m.c.counting() {
		m.writes++
	}
	number := m.table.add(w, args[1])
	if r.live {
		m.take(node, number, true)
	}
	takers := m.early[args[1]]
	delete(m.early, args[1])
	m.earlies -= len(takers)
	for _, i := range takers {
		if m.nodes[i].live && int(i) != node {
			m.take(int(i), number, false)
		}
	}
	m.limit()
}

// apply: a version that somebody else wrote took effect at a node.
func (m *replicas) apply(node int, args [3]uint64) {
	r := &m.nodes[node]
	if !r.live || !m.table.follows(args[0]) {
		return
	}
	if m.c.counting() {
		if args[2] == protocol.ApplyPushed {
			m.pushed++
		} else {
			m.pulled++
		}
	}
	key, known := m.table.keys[args[0]]
	number := m.table.byVersion[args[1]]
	if number != 0 && (!known || m.table.writes[number].key != key) {
		m.c.err = fmt.Errorf("observe: version %#016x was applied to a key that it was not written to", args[1])
		return
	}
	if known {
		m.resurrect(r, key, number)
	}
	switch {
	case number != 0:
		m.take(node, number, false)
		m.limit()
	case m.earlies < maxEarly:
		m.early[args[1]] = append(m.early[args[1]], uint32(node))
		m.earlies++
	}
}

// take: a replica has a version, and whatever it waited for of earlier ones.
func (m *replicas) take(node int, number uint32, own bool) {
	r, key := &m.nodes[node], m.table.writes[number].key
	upto := m.table.cell(&r.upto, key)
	for _, x := range m.table.between(key, max(*upto, r.since), number) {
		if own && x == number || !m.measured(x) {
			continue
		}
		w := &m.table.writes[x]
		waited := m.c.now - w.at
		if own {
			// It waits no more, and how long it would have nobody knows.
			m.cut++
			m.latency.open.record(waited)
			m.byHeat(w).open.record(waited)
			continue
		}
		m.latency.ended.record(waited)
		m.byHeat(w).ended.record(waited)
	}
	m.table.took(node, number, *upto)
	*upto = max(*upto, number)
}

func (m *replicas) measured(number uint32) bool {
	return m.table.writes[number].at >= int64(m.c.cfg.WarmUp)
}

func (m *replicas) byHeat(w *write) *watched {
	if w.flags&uint8(protocol.WritePushed) != 0 {
		return &m.hot
	}
	return &m.cold
}

// resurrect: a replica whose latest version of a key is a deletion applies one
// that the deletion covered.
func (m *replicas) resurrect(r *replicaNode, key, number uint32) {
	latest := r.upto.get(key)
	if latest == 0 || number >= latest || !m.table.writes[latest].deletes() || m.table.writes[number].deletes() {
		return
	}
	if m.c.counting() && m.table.covers(latest, number) {
		m.resurrected++
	}
}

// read: a node's application read a key and saw a version of it. It missed what
// is later than that and than all that the replica took.
func (m *replicas) read(node int, hash, version uint64) {
	if !m.nodes[node].live || !m.table.follows(hash) || !m.c.counting() {
		return
	}
	m.reads++
	key, ok := m.table.keys[hash]
	if !ok {
		return
	}
	seen := m.table.byVersion[version]
	if version == 0 {
		seen = m.table.lastDeletion(key)
	}
	upto := m.nodes[node].upto.get(key)
	if seen < upto {
		m.backwards++
	}
	if missed := m.table.firstAfter(key, max(seen, upto)); missed != 0 {
		m.stale++
		m.staleness.record(m.c.now - m.table.writes[missed].at)
	}
}

// limit has fewer keys followed if there is too much to keep.
func (m *replicas) limit() {
	for m.table.size() > m.c.cfg.ReplicaLimit && m.table.mask < maxReplicaMask {
		m.table.halve(m.nodes)
	}
}

func (m *replicas) sample() { m.roots.sample() }
