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
	purpose string // of its random numbers
	// senders are the nodes that take part, ascending; nil for all.
	senders []int
	given   int // commands
}

// workload schedules the commands of the workload with index k in the file.
func (t *timeline) workload(w Stage, k int) {
	l := &load{Workload: &t.s.Workload[k], k: k, purpose: fmt.Sprintf("workload %d", k)}
	l.kind, _ = t.s.command(l.Command)
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
	// What the protocol refuses is in the event that the world reports.
	err := c.Command(sender, protocol.Command{Kind: l.kind, Value: value}, l.k)
	if !errors.Is(err, sim.ErrFrozen) {
		l.given++
	}
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
	pick := protocol.NewRand(draw)
	if l.senders == nil {
		if n := c.CountUp(); n > 0 {
			return c.NthUp(pick.IntN(n))
		}
		return -1
	}
	n := 0
	for _, i := range l.senders {
		if c.State(i) == sim.Up {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	k := pick.IntN(n)
	for _, i := range l.senders {
		if c.State(i) != sim.Up {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return -1
}
