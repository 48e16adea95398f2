package scenarios

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

// churn schedules the comings and goings.
func (t *timeline) churn(w Stage) error {
	churn := t.s.Churn
	switch {
	case churn.Trace != "":
		trace, err := t.s.churnTrace()
		if err != nil {
			return err
		}
		for _, e := range trace {
			w.At(e.at, func(c Stage) { t.traced(c, e) })
		}
	case churn.Session != nil:
		w.At(churn.From.Std(), func(c Stage) {
			for i := range t.s.Nodes.Count {
				t.session(c, i)
			}
		})
	default:
		w.At(churn.From.Std(), t.replace)
	}
	return nil
}

// session ends a node's session when its length is over. Each node has a stream
// of its own.
func (t *timeline) session(c Stage, i int) {
	length := t.s.Churn.Session.sample(c.Rand(fmt.Sprintf("churn n%d", i)))
	if c.Now()+length > t.end(t.s.Churn.Until) {
		return
	}
	c.After(length, func(c Stage) { t.depart(c, i, true) })
}

// replace lets a random node depart and arranges the next: departures are a
// Poisson process of the rate that makes the share of all depart in a period.
func (t *timeline) replace(c Stage) {
	churn := t.s.Churn
	r := c.Rand("churn")
	between := Distribution{Model: "exponential", Mean: churn.meanInterval(t.s.Nodes.Count)}
	if between.Mean == 0 {
		return // a share of nothing
	}
	wait := between.sample(r)
	if c.Now()+wait > t.end(churn.Until) {
		return
	}
	c.After(wait, func(c Stage) {
		if up := c.CountUp(); up > 0 {
			t.depart(c, c.NthUp(c.Rand("churn who").IntN(up)), false)
		}
		t.replace(c)
	})
}

// meanInterval is the mean time between two departures that makes the share of
// all nodes depart in a period: period / (share * nodes); 0 if nobody departs.
func (c *Churn) meanInterval(nodes int) quantity.Duration {
	share, period := c.Share.Threshold(), uint64(c.Period)
	if share <= period { // no node in centuries
		return 0
	}
	whole, _ := bits.Div64(period, 0, share) // of one node, in nanoseconds
	return quantity.Duration(max(min(whole, maxSample)/uint64(nodes), 1))
}

// depart ends a node's process and brings it back after its downtime.
func (t *timeline) depart(c Stage, i int, session bool) {
	churn := t.s.Churn
	r := c.Rand("churn downtime")
	down := churn.Downtime.sample(r)
	crash := churn.Departure == "crash" || churn.Departure == "mixed" && r.IntN(2) == 0
	if c.State(i) != sim.Up {
		return // a fault was faster
	}
	if crash {
		t.must(c.Crash(i, sim.CrashHost))
	} else {
		t.leave(c, i)
	}
	var back func(c Stage)
	back = func(c Stage) {
		switch c.State(i) {
		case sim.Leaving: // a goodbye may take longer than the downtime
			c.After(time.Second, back)
		case sim.Crashed, sim.Left:
			t.must(c.Restart(i, t.seeds(c)))
			if session {
				t.session(c, i)
			}
		}
	}
	c.After(down, back)
}

// traceEvent is a line of a churn trace.
type traceEvent struct {
	at   time.Duration
	node int
	what string
}

// traced carries out a line of a trace, if the node is in the state for it.
func (t *timeline) traced(c Stage, e traceEvent) {
	switch state := c.State(e.node); {
	case e.what == "join" && state == sim.Absent:
		t.must(c.Join(e.node, t.seeds(c)))
	case e.what == "join" && (state == sim.Crashed || state == sim.Left):
		t.must(c.Restart(e.node, t.seeds(c)))
	case e.what == "leave" && state == sim.Up:
		t.leave(c, e.node)
	case e.what == "crash" && (state == sim.Up || state == sim.Leaving):
		t.must(c.Crash(e.node, sim.CrashHost))
	}
}

// churnTrace reads the trace file: lines of time_s, node, event; the first may
// be a head.
func (s *Scenario) churnTrace() ([]traceEvent, error) {
	text, err := s.beside(s.Churn.Trace)
	if err != nil {
		return nil, err
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.FieldsPerRecord = 3
	lines.TrimLeadingSpace = true
	lines.Comment = '#'
	var out []traceEvent
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Churn.Trace, err)
		}
		line, _ := lines.FieldPos(0)
		if line == 1 && record[0] == "time_s" {
			continue
		}
		e, err := s.traceEvent(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", s.Churn.Trace, line, err)
		}
		out = append(out, e)
	}
}

func (s *Scenario) traceEvent(record []string) (traceEvent, error) {
	e := traceEvent{what: strings.TrimSpace(record[2])}
	var at quantity.Duration
	if err := at.UnmarshalText([]byte(strings.TrimSpace(record[0]) + "s")); err != nil {
		return e, fmt.Errorf("time_s: got %q, want seconds", record[0])
	}
	e.at = at.Std()
	node, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(record[1]), "n"))
	if total := s.Nodes.Count + s.Nodes.Spare; err != nil || node < 0 || node >= total {
		return e, fmt.Errorf("node: got %q, want 0 to %d", record[1], total-1)
	}
	e.node = node
	if e.what != "join" && e.what != "leave" && e.what != "crash" {
		return e, fmt.Errorf("event: got %q, want join, leave or crash", e.what)
	}
	return e, nil
}
