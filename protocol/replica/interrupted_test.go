package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

// truth is all that was ever written, by key, and never forgotten.
type truth struct {
	changes map[string][]change
	// doubtful are keys of which a write failed: it may have happened.
	doubtful map[string]bool
}

// change is what a write brought.
type change struct {
	dot   clock.Dot
	entry crdt.Entry
}

var stageKeys = []string{"register", "set", "tally"}

func newTruth() *truth {
	return &truth{changes: map[string][]change{}, doubtful: map[string]bool{}}
}

// whole is the join of the writes of a key that v names, of all if it is nil.
func (h *truth) whole(key string, v *clock.VersionVector) (e crdt.Entry) {
	for _, c := range h.changes[key] {
		if v == nil || v.Contains(c.dot) {
			e = e.Merge(c.entry)
		}
	}
	return e
}

// write has an actor write something, and notes what.
func (h *truth) write(a *actor, key, value string, remove bool) {
	n := a.node
	before := n.known.Get(n.actor)
	actor := n.actor
	old := a.entry(key)
	var err error
	switch {
	case key[0] == 'r' && remove:
		err = n.Delete(a, []byte(key))
	case key[0] == 'r':
		err = n.Put(a, []byte(key), []byte(value))
	case key[0] == 's' && remove:
		element := ""
		for element = range old.ORSet().All() {
			break
		}
		err = n.Remove(a, []byte(key), []byte(element))
	case key[0] == 's':
		err = n.Add(a, []byte(key), []byte(value))
	default:
		err = n.Increment(a, []byte(key), 1)
	}
	if err != nil {
		h.doubtful[key] = true
	}
	if after := n.known.Get(n.actor); after > before && n.actor == actor {
		// All that the key holds is more than the delta and claims no more than
		// it accounts for.
		h.changes[key] = append(h.changes[key], change{clock.Dot{Actor: actor, Counter: after}, a.entry(key)})
	}
}

// entry is what an actor has under a key, whether its disk works or not.
func (a *actor) entry(key string) crdt.Entry {
	fails := a.disk.fails
	a.disk.fails = 0
	e, _, err := a.node.load(a, []byte(key))
	must(a.t, err)
	a.disk.fails = fails
	return e
}

// check checks that an actor is valid: its tree is what is on its disk, and its
// known speaks the truth.
func (h *truth) check(t checker, a *actor) {
	t.Helper()
	if !a.node.ready {
		return
	}
	fails := a.disk.fails
	a.disk.fails = 0
	defer func() { a.disk.fails = fails }()
	tree, tombstones := mst.New(a.shared.profile, nil), 0
	must(t, a.disk.Scan([]byte(prefixEntry), after(prefixEntry), func(key, raw []byte) bool {
		e, err := crdt.DecodeEntry(raw)
		must(t, err)
		if e.Live() {
			tree = tree.Put(key[len(prefixEntry):], digestOf(raw))
		} else {
			tombstones++
		}
		return true
	}))
	indexed := 0
	must(t, a.disk.Scan([]byte(prefixTombstone), after(prefixTombstone), func(_, _ []byte) bool { indexed++; return true }))
	if a.node.Root() != tree.Root() || a.node.Tombstones() != tombstones || indexed != tombstones {
		t.Fatalf("actor %d: its tree is not what is on its disk; or it counts %d deletions, and there are %d, of which it can find %d", a.index, a.node.Tombstones(), tombstones, indexed)
	}
	for _, key := range stageKeys {
		e := a.entry(key)
		if why := missing(h.whole(key, &a.node.known), h.whole(key, nil), e); why != "" {
			t.Fatalf("actor %d claims to know all of %v, but under %s it %s", a.index, a.node.known, key, why)
		}
	}
}

// missing says what is not in got although it is in want and was never
// overwritten or deleted.
func missing(want, all, got crdt.Entry) string {
	if d := want.Register().Stamp().Dot; want.Register().Live() && all.Register().Stamp().Dot == d && got.Register().Stamp().Dot != d {
		return fmt.Sprintf("lacks write %s", d)
	}
	for element := range want.ORSet().All() {
		if all.ORSet().Contains(element) && !got.ORSet().Contains(element) {
			return "lacks element " + element
		}
	}
	if got.PNCounter().Count() < want.PNCounter().Count() {
		return fmt.Sprintf("counts %d, not %d", got.PNCounter().Count(), want.PNCounter().Count())
	}
	return ""
}

// risen says what is in got although somebody deleted or overwrote it who had
// seen it.
func (h *truth) risen(key string, got crdt.Entry) string {
	all := h.whole(key, nil)
	for element := range got.ORSet().All() {
		if !all.ORSet().Contains(element) {
			return "has element " + element + " again"
		}
	}
	if got.PNCounter().Count() > all.PNCounter().Count() {
		return fmt.Sprintf("counts %d, not %d", got.PNCounter().Count(), all.PNCounter().Count())
	}
	if d := got.Register().Stamp().Dot; got.Register().Live() {
		for _, c := range h.changes[key] {
			if c.dot != d && c.entry.Version().Contains(d) {
				return fmt.Sprintf("has write %s again", d)
			}
		}
	}
	return ""
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens between three nodes, in whatever order, whichever message is
// the last of a session: each stays valid, and sessions that follow make them
// equal, without anything lost or risen from the dead.
func TestInterruptedSessionsLeaveBothSidesValid(t *testing.T) {
	for range 8 { // they are quick, and one in hundreds is as wanted
		rapid.Check(t, func(rt *rapid.T) { interrupted(t, rt) })
	}
}

func interrupted(t *testing.T, rt *rapid.T) {
	c := still()
	drawCompare(rt, &c)
	c.SummaryLevels = rapid.IntRange(0, 1).Draw(rt, "summary_levels")
	c.TreeBase = 2
	if rapid.Bool().Draw(rt, "slow") {
		c.PeerRate = 1 << 10
	}
	s, h := newStage(t, c, 3), newTruth()
	for _, a := range s.actors {
		a.skew = time.Duration(rapid.IntRange(0, 8).Draw(rt, "skew")) * time.Second
	}
	pick := rapid.IntRange(0, len(s.actors)-1)
	pair := func() (int, int) {
		i := pick.Draw(rt, "from")
		return i, (i + rapid.IntRange(1, len(s.actors)-1).Draw(rt, "to")) % len(s.actors)
	}
	var payloads [][]byte
	for step := range rapid.IntRange(20, 100).Draw(rt, "steps") {
		switch rapid.SampledFrom([]string{"write", "write", "write", "push", "begin", "begin", "arrive", "arrive", "arrive", "all", "pass", "cut", "lose", "crash", "fail"}).Draw(rt, "what") {
		case "write":
			h.write(s.actors[pick.Draw(rt, "actor")], rapid.SampledFrom(stageKeys).Draw(rt, "key"), fmt.Sprint("v", step), rapid.IntRange(0, 2).Draw(rt, "remove") == 0)
		case "push":
			a := s.actors[pick.Draw(rt, "actor")]
			a.node.flush(a)
			payloads = append(payloads, a.below.pushed...)
			a.below.pushed = nil
			if len(payloads) > 0 {
				s.push(rapid.SampledFrom(payloads).Draw(rt, "payload"), pick.Draw(rt, "to"))
			}
		case "begin":
			s.begin(pair())
		case "arrive":
			i, j := pair()
			for range rapid.IntRange(1, 6).Draw(rt, "count") {
				s.arrive(i, j)
				s.arrive(j, i)
			}
		case "all":
			s.settle()
		case "pass":
			s.pass(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 5 * time.Second}).Draw(rt, "time"))
		case "cut":
			s.cut(pair())
		case "lose": // the sender is not told yet
			s.take(pair())
		case "crash":
			i := pick.Draw(rt, "actor")
			survivors := rapid.IntRange(0, len(s.actors[i].disk.undo)).Draw(rt, "survivors")
			synced := s.actors[i].disk.root
			ready := s.actors[i].node.ready
			s.crash(i, survivors)
			if n := s.actors[i].node; survivors == 0 && ready && n.Root() != synced {
				rt.Fatalf("actor %d recovered something else than what it synced last", i)
			}
		case "fail":
			s.actors[pick.Draw(rt, "actor")].disk.fails = rapid.IntRange(1, 3).Draw(rt, "fails")
		}
		for _, a := range s.actors {
			h.check(rt, a)
		}
	}
	s.heal(rt, h)
}

// push has a broadcast arrive.
func (s *stage) push(payload []byte, to int) {
	a := s.actors[to]
	a.below.deliver(a, pushedBy(0xffff, payload))
}

// heal ends all faults, lets all meet, and checks that all are equal then.
func (s *stage) heal(t *rapid.T, h *truth) {
	for _, a := range s.actors {
		a.disk.fails = 0
	}
	for i := range s.actors {
		for j := range i {
			s.cut(i, j)
		}
	}
	s.pass(5 * time.Second)
	for range 4 {
		for i := range s.actors {
			for j := range s.actors {
				if i != j {
					s.meet(i, j)
				}
			}
		}
		s.pass(10 * time.Second)
	}
	for _, a := range s.actors {
		h.check(t, a)
		if a.node.Root() != s.actors[0].node.Root() || a.node.Tombstones() > 0 {
			t.Fatalf("actor %d differs from actor 0, or remembers %d deletions", a.index, a.node.Tombstones())
		}
		for _, key := range stageKeys {
			e := a.entry(key)
			if h.doubtful[key] {
				continue
			}
			if why := missing(h.whole(key, nil), h.whole(key, nil), e); why != "" {
				t.Fatalf("actor %d: under %s it %s", a.index, key, why)
			}
			if why := h.risen(key, e); why != "" {
				t.Fatalf("actor %d: under %s it %s", a.index, key, why)
			}
		}
		if e := a.events; slices.ContainsFunc(e, func(e protocol.Event) bool { return e.Kind == EventRefused || e.Kind == EventRename }) {
			t.Fatalf("actor %d refused something", a.index)
		}
	}
}

// checker is what both a test and rapid's is.
type checker interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
