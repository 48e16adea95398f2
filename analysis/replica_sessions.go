package analysis

import "slices"

// sessions follow anti-entropy sessions. Memory: those that are open at each
// node, at most one with each peer.
type sessions struct {
	open [][]session // by the node that began them

	begun, complete     int64
	keys, bytes         int64
	took                *histogram
	rounds, size, fixed amounts
	any                 bool
}

// session is one that has begun.
type session struct {
	peer     int32
	measured bool
	at       int64
}

func newSessions(nodes int) sessions {
	return sessions{
		open: make([][]session, nodes), took: newHistogramUpTo(maxLatency),
		rounds: newAmounts(), size: newAmounts(), fixed: newAmounts(),
	}
}

// begin: a session with the same peer that has not ended never will.
func (m *sessions) begin(node, peer int, now int64, counting bool) {
	m.any = true
	m.close(node, peer)
	m.open[node] = append(m.open[node], session{peer: int32(peer), measured: counting, at: now})
	if counting {
		m.begun++
	}
}

// close forgets a session and returns it.
func (m *sessions) close(node, peer int) (s session, ok bool) {
	open := m.open[node]
	k := slices.IndexFunc(open, func(s session) bool { return s.peer == int32(peer) })
	if k < 0 {
		return session{}, false
	}
	s = open[k]
	open[k] = open[len(open)-1]
	m.open[node] = open[:len(open)-1]
	return s, true
}

func (m *sessions) ended(node, peer int, now int64, args [3]uint64) {
	s, ok := m.close(node, peer)
	if !ok || !s.measured {
		return
	}
	m.complete++
	m.took.record(now - s.at)
	m.rounds.add(args[0])
	m.size.add(args[1])
	m.fixed.add(args[2])
	m.bytes += int64(args[1])
	m.keys += int64(args[2])
}

func (m *sessions) departed(i int) { m.open[i] = nil }

func (m *sessions) finish(out *results, at float64) {
	if !m.any {
		return
	}
	out.count("replica.sessions", m.begun)
	out.count("replica.sessions_unfinished", m.begun-m.complete)
	out.count("replica.keys_repaired", m.keys)
	out.share("replica.bytes_per_key_repaired", m.bytes, m.keys)
	if m.complete == 0 {
		return
	}
	out.deliveries("replica.session_s", at, m.took)
	out.deliveries("replica.session_rounds", at, m.rounds)
	out.deliveries("replica.session_bytes", at, m.size)
	out.deliveries("replica.session_keys", at, m.fixed)
}
