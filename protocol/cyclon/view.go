package cyclon

import (
	"math"

	"github.com/starling-sim/starling/protocol"
)

// slot is a view's entry. Its contact is kept by the world.
type slot struct {
	id  protocol.NodeID
	age uint16
	// offered: sent to the partner of the shuffle in progress, so that an entry
	// of its answer may take the slot.
	offered bool
}

// view is a set of slots: no node twice, this node never, the order means
// nothing.
type view []slot

// find returns the index of id's slot, -1 if there is none.
func (v view) find(id protocol.NodeID) int {
	for i := range v {
		if v[i].id == id {
			return i
		}
	}
	return -1
}

// grow makes every entry a cycle older.
func (v view) grow() {
	for i := range v {
		if v[i].age < math.MaxUint16 {
			v[i].age++
		}
	}
}

// oldest returns the index of the oldest entry, of any of them if several are.
// The view must not be empty.
func (v view) oldest(r *protocol.Rand) int {
	best := r.IntN(len(v))
	for k, i := 1, best; k < len(v); k++ {
		if i++; i == len(v) {
			i = 0
		}
		if v[i].age > v[best].age {
			best = i
		}
	}
	return best
}

// draw moves up to count random entries, without one of skip, to the front and
// returns their number.
func (v view) draw(r *protocol.Rand, count int, skip protocol.NodeID) int {
	end := len(v)
	if i := v.find(skip); i >= 0 {
		end--
		v[i], v[end] = v[end], v[i]
	}
	count = min(count, end)
	for i := range count {
		j := i + r.IntN(end-i)
		v[i], v[j] = v[j], v[i]
	}
	return count
}

// offeredFirst moves the offered entries to the front, takes the mark off them
// and returns their number.
func (v view) offeredFirst() int {
	k := 0
	for i := range v {
		if v[i].offered {
			v[i].offered = false
			v[i], v[k] = v[k], v[i]
			k++
		}
	}
	return k
}

// entry returns the entry of slot i as it travels.
func (n *Node) entry(env protocol.Env, i int) Entry {
	s := n.view[i]
	return Entry{ID: s.id, Age: s.age, Contact: string(env.Contact(s.id))}
}

// own returns a fresh entry of this node itself.
func own(env protocol.Env) Entry {
	return Entry{ID: env.ID(), Contact: string(env.Contact(env.ID()))}
}

// accept takes entries into the view, into free slots first, then into the
// first given slots, which hold what was sent in exchange. Entries of this node
// and of nodes that are in the view already are dropped, and so are those for
// which there is no slot.
func (n *Node) accept(env protocol.Env, entries []Entry, given int) {
	next := 0
	for i := range entries {
		e := &entries[i]
		if e.ID == env.ID() || n.view.find(e.ID) >= 0 {
			continue
		}
		if len(n.view) < n.cfg.ViewSize {
			n.insert(env, e)
			continue
		}
		if next == given {
			return
		}
		n.replace(env, next, e, CauseSwapped)
		next++
	}
}

func (n *Node) insert(env protocol.Env, e *Entry) {
	n.view = append(n.view, slot{id: e.ID, age: e.Age})
	n.entered(env, e)
}

func (n *Node) replace(env protocol.Env, i int, e *Entry, cause uint64) {
	env.Emit(protocol.Event{Kind: EventNeighborDown, Peer: n.view[i].id, Args: [3]uint64{cause}})
	n.view[i] = slot{id: e.ID, age: e.Age}
	n.entered(env, e)
}

func (n *Node) entered(env protocol.Env, e *Entry) {
	if e.Contact != "" {
		env.Introduce(e.ID, []byte(e.Contact))
	}
	env.Emit(protocol.Event{Kind: EventNeighborUp, Peer: e.ID, Args: [3]uint64{uint64(e.Age)}})
}

func (n *Node) remove(env protocol.Env, i int, cause uint64) {
	id := n.view[i].id
	last := len(n.view) - 1
	n.view[i] = n.view[last]
	n.view = n.view[:last]
	env.Emit(protocol.Event{Kind: EventNeighborDown, Peer: id, Args: [3]uint64{cause}})
}
