package replica

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/wire"
)

// How a broadcast begins, by which it is told from those of others.
const (
	pushDeltas  = "\x07\x01" // items with the deltas of writes
	pushDigests = "\x07\x02" // keys with the digests of their entries
)

// maxGathered is how much is gathered at most, in bytes, before it is broadcast
// out of time.
const maxGathered = 4 << 20

// pusher gathers writes and broadcasts them.
type pusher struct {
	through broadcaster // nil if nothing is pushed
	// waiting are deltas by key in the order in which keys came; place is
	// where a key is.
	waiting  []delta
	place    map[string]int
	bytes    int
	armed    bool
	timer    uint64 // the number of the one that is armed
	interval time.Duration
	bucket   bucket
}

type delta struct {
	key   []byte
	entry crdt.Entry
}

// pushes reports whether a write is broadcast.
func (n *Node) pushes(hot bool) bool {
	return n.push.through != nil && (n.cfg.Push == "all" || n.cfg.Push == "hot" && hot)
}

// gather keeps a write for the next broadcast, merged with those of its key as
// long as that fits into one.
func (n *Node) gather(env protocol.Env, key []byte, change crdt.Entry) {
	p := &n.push
	i, ok := p.place[string(key)]
	var both crdt.Entry
	if ok {
		both = p.waiting[i].entry.Merge(change)
		ok = both.Size() <= int(n.cfg.PushLimit)
	}
	if ok {
		p.bytes += both.Size() - p.waiting[i].entry.Size()
		p.waiting[i].entry = both
	} else {
		if p.place == nil {
			p.place = make(map[string]int)
		}
		p.place[string(key)] = len(p.waiting)
		p.waiting = append(p.waiting, delta{key, change})
		p.bytes += Item{Key: key}.size() + change.Size()
	}
	switch {
	case p.bytes > maxGathered:
		n.flush(env)
	case !p.armed:
		p.armed = true
		p.timer++
		env.After(p.interval, protocol.Timer{Kind: timerPush, Arg: p.timer})
	}
}

// flush broadcasts what was gathered, and gathers longer the next time if it was
// much, shorter if it was little.
func (n *Node) flush(env protocol.Env) {
	p := &n.push
	waiting, gathered := p.waiting, p.interval
	limit := int(n.cfg.PushLimit)
	pressed := p.bytes > limit
	p.waiting, p.place, p.armed = nil, nil, false
	p.timer++ // it need not have been the timer
	little := p.bytes < limit/4
	p.bytes = 0
	for len(waiting) > 0 {
		var items []Item
		size, k := len(pushDeltas), 0
		for ; k < len(waiting); k++ {
			i := Item{waiting[k].key, waiting[k].entry.Append(nil)}
			if k > 0 && size+i.size() > limit || k == maxItems {
				break
			}
			items = append(items, i)
			size += i.size()
		}
		waiting = waiting[k:]
		payload := appendItems([]byte(pushDeltas), items)
		if _, ok := p.bucket.take(env.Now(), len(payload)); !ok {
			pressed = true
			n.summarise(env, items)
			continue
		}
		if _, err := p.through.Broadcast(env, payload); err == nil {
			env.Emit(protocol.Event{Kind: EventPush, Args: [3]uint64{uint64(len(items)), uint64(len(payload)), uint64(gathered)}})
		} // else anti-entropy brings them
	}
	switch {
	case pressed:
		p.interval = min(2*p.interval, n.cfg.PushMax.Std())
	case little:
		p.interval = max(p.interval/2, n.cfg.PushMin.Std())
	}
}

// summarise broadcasts the digests of what the keys now hold, as long as these do
// not take twice what may be broadcast: then it is left to anti-entropy.
func (n *Node) summarise(env protocol.Env, items []Item) {
	if n.push.bucket.spent >= 2*n.push.bucket.burst {
		return
	}
	b := wire.AppendUvarint([]byte(pushDigests), uint64(len(items)))
	tree := n.snapshot()
	for _, i := range items {
		d, _ := tree.Get(i.Key)
		b = append(wire.AppendBytes(b, i.Key), d[:digestSize]...)
	}
	n.push.bucket.spent += int64(len(b))
	if _, err := n.push.through.Broadcast(env, b); err == nil {
		env.Emit(protocol.Event{Kind: EventSummary, Args: [3]uint64{uint64(len(items)), uint64(len(b))}})
	}
}

// delivered takes what somebody broadcast. Broadcasts that are not a replica's
// are none of its business.
func (n *Node) delivered(env protocol.Env, m broadcast.Message) {
	from := m.ID.Origin
	if !n.ready || from == env.ID() || len(m.Payload) < len(pushDeltas) {
		return
	}
	switch string(m.Payload[:len(pushDeltas)]) {
	case pushDeltas:
		items, err := decodeDeltas(m.Payload)
		if err != nil {
			n.refuse(env, from, RefusedMalformed)
			return
		}
		for _, i := range items {
			if e, ok := n.decode(env, from, i); ok {
				n.merge(env, i.Key, e, from, protocol.ApplyPushed)
			}
		}
	case pushDigests:
		differs, err := n.differs(m.Payload)
		if err != nil {
			n.refuse(env, from, RefusedMalformed)
		} else if differs {
			n.hurry(env)
		}
	}
}

func decodeDeltas(payload []byte) ([]Item, error) {
	r := wire.NewReader(payload[len(pushDeltas):])
	items := readItems(&r)
	return items, r.Finish()
}

// differs reports whether a summary names a key of which this node has something
// else.
func (n *Node) differs(payload []byte) (bool, error) {
	r := wire.NewReader(payload[len(pushDeltas):])
	tree, differs := n.snapshot(), false
	for count := readCount(&r, 1+digestSize); count > 0 && !r.Failed(); count-- {
		key := r.Bytes(MaxKey)
		var want mst.Digest
		for i := range digestSize {
			want[i] = r.Uint8()
		}
		got, _ := tree.Get(key)
		differs = differs || got != want
	}
	if err := r.Finish(); err != nil {
		return false, fmt.Errorf("decode summary: %w", err)
	}
	return differs, nil
}
