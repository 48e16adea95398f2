package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

// load is a workload under way.
type load struct {
	*Workload
	k       int // index in the file
	kind    protocol.CommandKind
	read    protocol.CommandKind
	purpose string    // of its random numbers
	keys    *keySpace // nil if the commands are about none
	// senders are the nodes that take part, ascending; nil for all.
	senders []int
	given   int // commands
}

// workload schedules the commands of the workload with index k in the file.
func (t *timeline) workload(w Stage, k int) {
	l := &load{Workload: &t.s.Workload[k], k: k, purpose: fmt.Sprintf("workload %d", k)}
	command, _ := t.s.command(l.Command)
	l.kind = command.Kind
	command, _ = t.s.command(l.Read)
	l.read = command.Kind
	if l.Keys != nil {
		l.keys = newKeySpace(l.Keys, t.s.Seed)
	}
	end := t.end(l.Until)
	var send func(c Stage)
	send = func(c Stage) {
		if c.Now() >= end {
			return
		}
		l.send(c)
		if l.Count == 0 || l.given < l.Count {
			c.After(l.next(c), send)
		}
	}
	w.At(l.From.Std(), func(c Stage) {
		l.senders = l.takePart(c, t.s.Nodes.Count)
		c.After(l.next(c), send)
	})
}

// next draws the time until the next command.
func (l *load) next(c Stage) time.Duration {
	if l.Arrival == "regular" {
		return l.Rate.Interval()
	}
	d := Distribution{Model: "exponential", Mean: quantity.Duration(l.Rate.Interval())}
	return d.sample(c.Rand(l.purpose))
}

// takePart returns the nodes that take part, of which count entered at the
// beginning; nil for all.
func (l *load) takePart(c Stage, count int) []int {
	var nodes []int
	switch {
	case l.Nodes != nil:
		nodes = slices.Clone(l.Nodes)
	case l.Region != nil:
		nodes = inRegions(c, l.Region)
	case l.Senders > 0:
		nodes = make([]int, count)
		for i := range nodes {
			nodes[i] = i
		}
	default:
		return nil
	}
	if l.Senders > 0 {
		nodes = choose(c, l.purpose, nodes, l.Senders)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// send lets one of the senders that are up carry out the command.
func (l *load) send(c Stage) {
	r := c.Rand(l.purpose)
	value := make([]byte, l.size(c))
	for i := range value {
		value[i] = byte(r.Uint64())
	}
	sender := l.sender(c, r.Uint64())
	if sender < 0 {
		return
	}
	key := l.key(c)
	// What the protocol refuses is in the event that the world reports.
	err := c.Command(sender, protocol.Command{Kind: l.kind, Key: key, Value: value}, l.k)
	if !errors.Is(err, sim.ErrFrozen) {
		l.given++
	}
	if err == nil && l.Read != "" {
		c.After(l.ReadAfter.Std(), func(c Stage) { l.look(c, sender, key) })
	}
}

// key draws the key that a command is about, from a stream of its own, as size
// does.
func (l *load) key(c Stage) []byte {
	if l.keys == nil {
		return nil
	}
	return l.keys.draw(c.Rand(l.purpose + " keys"))
}

// look reads a key that the writer has written. Who cannot read then does not.
func (l *load) look(c Stage, writer int, key []byte) {
	reader := writer
	if l.ReadAt == "other" {
		reader = l.chooseBut(c, writer, protocol.NewRand(c.Rand(l.purpose+" reads").Uint64()))
	}
	if reader < 0 || c.State(reader) != sim.Up {
		return
	}
	// What the protocol refuses is in the event that the world reports.
	_ = c.Command(reader, protocol.Command{Kind: l.read, Key: key}, l.k)
}

// size draws the size of a value. It has a stream of random numbers of its own,
// so that who sends when does not depend on the distribution.
func (l *load) size(c Stage) int {
	if l.Sizes == nil {
		return int(l.Size)
	}
	return int(l.Sizes.sample(c.Rand(l.purpose + " sizes")))
}

// sender chooses one of the senders that are up, -1 if none is.
func (l *load) sender(c Stage, draw uint64) int {
	return l.chooseBut(c, -1, protocol.NewRand(draw))
}

// chooseBut chooses one of the senders that are up and not a certain one, -1 if
// there is none.
func (l *load) chooseBut(c Stage, but int, r protocol.Rand) int {
	if l.senders == nil {
		return chooseUp(c, but, r)
	}
	n := 0
	for _, i := range l.senders {
		if c.State(i) == sim.Up && i != but {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	k := r.IntN(n)
	for _, i := range l.senders {
		if c.State(i) != sim.Up || i == but {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return -1
}

// chooseUp chooses one of all nodes that are up and not a certain one.
func chooseUp(c Stage, but int, r protocol.Rand) int {
	n := c.CountUp()
	without := but >= 0 && c.State(but) == sim.Up
	if without {
		n--
	}
	if n <= 0 {
		return -1
	}
	k := r.IntN(n)
	i := c.NthUp(k)
	if without && i >= but {
		i = c.NthUp(k + 1) // they are in the order of their indices
	}
	return i
}
