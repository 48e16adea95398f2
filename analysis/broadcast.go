package analysis

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// broadcasts follow messages from their broadcast to the end of their window.
// They know protocols by the roles of their events only. Memory: two bitsets
// over the nodes for each message whose window is open, a few numbers for each
// that was measured, and three numbers for each node.
type broadcasts struct {
	c      *Collector
	window int64
	// families are the beginnings ("plumtree.") of the names of the protocols
	// that broadcast.
	families []string

	live  bitset
	byKey map[uint64]*message
	all   []*message // measured, in the order of their broadcast
	open  int        // all[open:] are still watched

	deliveries, duplicates, doubles, late int64
	delivered                             int64 // deliveries of any message after the warm-up
	latency                               *histogram
	hops                                  tally

	// copies are the payloads that others got from a node; during is how many
	// measured messages were broadcast while it was live: while it is, less
	// those before it came, modulo 2^32.
	copies []uint64
	during []uint32

	crashed    bool
	afterCrash []*message

	tree *tree // of the message that reached most nodes; nil if not wanted
}

// message is a measured broadcast.
type message struct {
	at     int64
	origin int
	// expected are the nodes that have been live since the broadcast, got those
	// that have the message. Both are nil once the window is over.
	expected, got bitset

	nodes            int64 // that got it, the origin included
	receptions       int64
	last             int64
	lastHop, maxHop  int64
	reached, ofNodes int64 // at the end of the window: of those expected
	cut              bool  // by the end of the run
	tree             *tree
}

// maxAfterCrash is how many messages after the last crash are told apart.
const maxAfterCrash = 20

const defaultBroadcastWindow = 30 * time.Second

func newBroadcasts(c *Collector) *broadcasts {
	n := c.cfg.Nodes
	return &broadcasts{
		c: c, window: int64(c.cfg.BroadcastWindow), live: newBitset(n), byKey: map[uint64]*message{},
		latency: newHistogram(), copies: make([]uint64, n), during: make([]uint32, n),
	}
}

// newBroadcastsOf returns nil if no protocol broadcasts.
func newBroadcastsOf(c *Collector, events []protocol.EventSpec) *broadcasts {
	var b *broadcasts
	for _, spec := range events {
		if spec.Role != protocol.RoleBroadcast {
			continue
		}
		if b == nil {
			b = newBroadcasts(c)
		}
		family, _, _ := strings.Cut(spec.Name, ".")
		b.families = append(b.families, family+".")
	}
	if b == nil {
		return nil
	}
	for _, spec := range events {
		switch spec.Role {
		case protocol.RoleBroadcast:
			c.also(spec.Name, func(r *protocol.Record, _ int) { b.begin(int(r.Index), r.Event.Args[0]) })
		case protocol.RoleDeliver:
			c.also(spec.Name, func(r *protocol.Record, from int) {
				b.deliver(int(r.Index), from, r.Event.Args[0], r.Event.Args[1])
			})
		case protocol.RoleDuplicate:
			c.also(spec.Name, func(r *protocol.Record, from int) { b.duplicate(from, r.Event.Args[0]) })
		}
	}
	return b
}

func (b *broadcasts) begin(origin int, key uint64) {
	if !b.c.counting() {
		return
	}
	if b.byKey[key] != nil {
		b.c.err = fmt.Errorf("observe: message %#016x was broadcast twice, want a key of its own for each", key)
		return
	}
	m := &message{at: b.c.now, origin: origin, expected: b.live.clone(), got: newBitset(b.c.cfg.Nodes), nodes: 1}
	m.got.add(origin)
	if b.c.cfg.Nodes <= pictureLimit {
		m.tree = newTree(origin, b.c.cfg.Nodes)
	}
	b.byKey[key] = m
	b.all = append(b.all, m)
	if b.crashed && len(b.afterCrash) < maxAfterCrash {
		b.afterCrash = append(b.afterCrash, m)
	}
}

func (b *broadcasts) deliver(node, from int, key, hops uint64) {
	if b.c.counting() {
		b.delivered++
	}
	m := b.byKey[key]
	if m == nil {
		return
	}
	if m.got == nil {
		b.late++
		return
	}
	b.deliveries++
	b.receive(m, from)
	if m.got.has(node) {
		b.doubles++
		return
	}
	m.got.add(node)
	m.nodes++
	h := int64(min(hops, maxHops))
	m.last, m.lastHop, m.maxHop = b.c.now, h, max(m.maxHop, h)
	b.hops.record(h)
	b.latency.record(b.c.now - m.at)
	if m.tree != nil {
		m.tree.add(node, from, h)
	}
}

func (b *broadcasts) duplicate(from int, key uint64) {
	if m := b.byKey[key]; m != nil && m.got != nil {
		b.duplicates++
		b.receive(m, from)
	}
}

// receive counts a payload that somebody got from a node.
func (b *broadcasts) receive(m *message, from int) {
	m.receptions++
	if from >= 0 {
		b.copies[from]++
	}
}

// expire ends the windows that are over before t.
func (b *broadcasts) expire(t int64) {
	for b.open < len(b.all) && b.all[b.open].at+b.window < t {
		b.close(b.all[b.open])
		b.open++
	}
}

// close counts who has the message and gives the memory back.
func (b *broadcasts) close(m *message) {
	for i, w := range m.expected {
		m.ofNodes += int64(bits.OnesCount64(w))
		m.reached += int64(bits.OnesCount64(w & m.got[i]))
	}
	m.expected, m.got = nil, nil
	if m.tree != nil && (b.tree == nil || m.tree.nodes >= b.tree.nodes) {
		b.tree = m.tree
	}
	m.tree = nil
}

// started: a process that starts again has forgotten what it had.
func (b *broadcasts) started(i int, again bool) {
	b.live.add(i)
	b.during[i] -= uint32(len(b.all))
	if !again {
		return
	}
	for _, m := range b.all[b.open:] {
		m.got.remove(i)
	}
}

func (b *broadcasts) departed(i int) {
	b.live.remove(i)
	b.during[i] += uint32(len(b.all))
	for _, m := range b.all[b.open:] {
		m.expected.remove(i)
	}
}

// crash: only messages after the last crash are after it.
func (b *broadcasts) crash() {
	b.crashed = true
	b.afterCrash = b.afterCrash[:0]
}

// tally counts small numbers, exactly.
type tally struct {
	n          []int64 // by number
	total, sum int64
}

// maxHops bounds what a damaged message can do to a tally's memory.
const maxHops = 1<<16 - 1

func (t *tally) record(v int64) {
	for int64(len(t.n)) <= v {
		t.n = append(t.n, 0)
	}
	t.n[v]++
	t.total++
	t.sum += v
}

// Mean returns the mean.
func (t *tally) Mean() float64 { return float64(t.sum) / float64(t.total) }

// Quantile returns the smallest number that a share q of the numbers does not
// exceed.
func (t *tally) Quantile(q float64) float64 {
	var below int64
	for v, n := range t.n {
		below += n
		if n > 0 && float64(below) >= q*float64(t.total)-roundingSlack {
			return float64(v)
		}
	}
	return float64(len(t.n) - 1)
}

// tree is who got a message from whom.
type tree struct {
	origin int
	nodes  int
	parent []int16 // -1: none
	hop    []uint16
}

// pictureLimit is the number of nodes up to which a picture shows more than a
// tangle.
const pictureLimit = 300

func newTree(origin, n int) *tree {
	t := &tree{origin: origin, nodes: 1, parent: make([]int16, n), hop: make([]uint16, n)}
	for i := range t.parent {
		t.parent[i] = -1
	}
	return t
}

// add keeps the first parent of a node, so that there is no circle.
func (t *tree) add(node, from int, hop int64) {
	if node == t.origin || from < 0 || from == node || t.parent[node] >= 0 {
		return
	}
	t.parent[node], t.hop[node] = int16(from), uint16(hop)
	t.nodes++
}
