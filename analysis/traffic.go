package analysis

import (
	"slices"
	"strings"
)

// traffic turns the engine's counters into rates.
type traffic struct {
	base    Counters // at the end of the warm-up
	hasBase bool
	last    rates // at the sample before
}

// rates are what the series of traffic are differences of.
type rates struct {
	messages, bytes, totalNs uint64
}

func messages(n Counters) uint64 { return n.Datagrams + n.StreamMessages }

func (t *traffic) sample(c *Collector, n Counters) {
	switch {
	case t.hasBase || !c.counting():
	case c.cfg.WarmUp == 0: // all counters began at zero
		t.hasBase, t.base = true, Counters{NodeMessages: make([]uint64, c.cfg.Nodes), NodeBytes: make([]uint64, c.cfg.Nodes)}
	default:
		t.hasBase, t.base = true, clone(n)
	}
	now := rates{messages: messages(n), bytes: n.Bytes, totalNs: c.truth.totalNs}
	if nodeSeconds := float64(now.totalNs-t.last.totalNs) / 1e9; nodeSeconds > 0 {
		at := seconds(c.now)
		c.series.add("net.message_rate", "", at, float64(now.messages-t.last.messages)/nodeSeconds)
		c.series.add("net.byte_rate", "", at, float64(now.bytes-t.last.bytes)/nodeSeconds)
	}
	t.last = now
}

func clone(n Counters) Counters {
	n.Lost = slices.Clone(n.Lost)
	n.Messages = slices.Clone(n.Messages)
	n.NodeMessages = slices.Clone(n.NodeMessages)
	n.NodeBytes = slices.Clone(n.NodeBytes)
	return n
}

func (t *traffic) finish(c *Collector, out *results, n Counters) {
	if !t.hasBase {
		return
	}
	base := t.base
	count := func(name string, now, then uint64) { out.metrics[name] = float64(now - then) }
	count("net.datagrams", n.Datagrams, base.Datagrams)
	count("net.stream_messages", n.StreamMessages, base.StreamMessages)
	count("net.messages", messages(n), messages(base))
	count("net.bytes", n.Bytes, base.Bytes)
	count("net.delivered", n.Delivered, base.Delivered)
	count("engine.events", n.Events, base.Events)
	count("engine.timers", n.Timers, base.Timers)
	if s := c.measuredSeconds(); s > 0 {
		out.metrics["engine.events_per_virtual_s"] = float64(n.Events-base.Events) / s
	}

	if late := n.Late; late != nil {
		out.metrics["engine.late_message_s.mean"] = late.Message.Seconds()
		out.metrics["engine.late_message_s.max"] = late.MostMessage.Seconds()
		out.metrics["engine.late_timeline_s.max"] = late.Timeline.Seconds()
	}

	var lost, nobody uint64
	for _, l := range n.Lost {
		since := l.N - countOf(base.Lost, l.Name)
		lost += since
		if l.Name == LostNobody {
			nobody = since
		}
		out.metrics["net.lost_by_reason."+l.Name] = float64(since)
	}
	count("net.lost", lost, 0)
	out.share("net.loss_share", int64(lost-nobody), int64(messages(n)-messages(base)))
	t.byKind(c, out, n)
	t.perNode(c, out, "net.messages_per_node_s", n.NodeMessages, base.NodeMessages, messages(n)-messages(base))
	t.perNode(c, out, "net.bytes_per_node_s", n.NodeBytes, base.NodeBytes, n.Bytes-base.Bytes)
}

func countOf(counts []Count, name string) uint64 {
	for _, c := range counts {
		if c.Name == name {
			return c.N
		}
	}
	return 0
}

func (t *traffic) byKind(c *Collector, out *results, n Counters) {
	var swimMessages, swimBytes uint64
	sent := make([]MessageCount, 0, len(n.Messages))
	for _, k := range n.Messages {
		for _, b := range t.base.Messages {
			if b.Name == k.Name {
				k.Messages -= b.Messages
				k.Bytes -= b.Bytes
			}
		}
		sent = append(sent, k)
		out.metrics["net.messages_by_kind."+k.Name] = float64(k.Messages)
		out.metrics["net.bytes_by_kind."+k.Name] = float64(k.Bytes)
		if strings.HasPrefix(k.Name, "swim.") {
			swimMessages += k.Messages
			swimBytes += k.Bytes
		}
	}
	if c.casts != nil {
		c.casts.bytes(out, sent)
	}
	if nodeSeconds := float64(c.truth.runningNs) / 1e9; c.swim != nil && nodeSeconds > 0 {
		out.metrics["swim.messages_per_node_s"] = float64(swimMessages) / nodeSeconds
		out.metrics["swim.bytes_per_node_s"] = float64(swimBytes) / nodeSeconds
	}
}

// minimumPresence is the part of the measured time that a node must have run
// for its own rate to say anything: one that lived for a millisecond and sent
// a join has a rate of a thousand a second.
const minimumPresence = 0.1

// maxNodeSamples bounds the rows that a distribution over nodes puts into
// metrics.csv; above it, evenly spaced quantiles stand for all.
const maxNodeSamples = 1000

func (t *traffic) perNode(c *Collector, out *results, name string, now, base []uint64, total uint64) {
	if len(now) != c.cfg.Nodes || len(base) != c.cfg.Nodes || c.truth.runningNs == 0 {
		return
	}
	d := exact{mean: float64(total) / (float64(c.truth.runningNs) / 1e9)}
	for i := range now {
		if ran := c.truth.ranSeconds(i); ran > 0 && ran >= minimumPresence*c.measuredSeconds() {
			d.sorted = append(d.sorted, float64(now[i]-base[i])/ran)
		}
	}
	out.nodes(name, seconds(c.now), d)
}
