package analysis

import (
	"slices"
	"strconv"
	"strings"
)

// finish reports how messages travelled.
func (b *broadcasts) finish(out *results) {
	now := b.c.now
	b.expire(now)
	for _, m := range b.all[b.open:] {
		m.cut = m.at+b.window > now
		b.close(m)
	}
	b.open = len(b.all)

	out.count("broadcast.messages", int64(len(b.all)))
	out.count("broadcast.deliveries", b.deliveries)
	out.count("broadcast.duplicates", b.duplicates)
	out.count("broadcast.double_deliveries", b.doubles)
	out.count("broadcast.late_deliveries", b.late)
	var missed, complete, watched, cut int64
	for _, m := range b.all {
		missed += m.ofNodes - m.reached
		if m.ofNodes > 0 {
			watched++
			if m.reached == m.ofNodes {
				complete++
			}
		}
		if m.cut {
			cut++
		}
	}
	out.count("broadcast.missed", missed)
	out.count("broadcast.windows_cut", cut)
	out.share("broadcast.complete_share", complete, watched)

	b.perMessage(out, "broadcast.reliability", (*message).reliability)
	b.perMessage(out, "broadcast.residue", (*message).residue)
	b.perMessage(out, "broadcast.traffic", (*message).traffic)
	b.perMessage(out, "broadcast.rmr", (*message).rmr)
	b.perMessage(out, "broadcast.last_hop", (*message).lastHops)
	b.perMessage(out, "broadcast.max_hop", (*message).maxHops)
	b.perMessage(out, "broadcast.last_delivery_s", (*message).lastDelivery)
	if b.hops.total > 0 {
		out.deliveries("broadcast.hops", seconds(b.c.now), &b.hops)
		out.deliveries("broadcast.latency_s", seconds(b.c.now), b.latency)
	}
	b.afterLastCrash(out)
	b.load(out)
	b.links(out)
}

// reliability is the share of the nodes that should have the message that have
// it; false if there is none.
func (m *message) reliability() (float64, bool) {
	return float64(m.reached) / float64(m.ofNodes), m.ofNodes > 0
}

// residue is the share of them that does not have it.
func (m *message) residue() (float64, bool) {
	return float64(m.ofNodes-m.reached) / float64(m.ofNodes), m.ofNodes > 0
}

// traffic is the number of copies that came, for each of them.
func (m *message) traffic() (float64, bool) {
	return float64(m.receptions) / float64(m.ofNodes), m.ofNodes > 0
}

// rmr is the relative message redundancy.
func (m *message) rmr() (float64, bool) {
	return float64(m.receptions)/float64(m.nodes-1) - 1, m.nodes > 1
}

func (m *message) lastHops() (float64, bool) { return float64(m.lastHop), m.nodes > 1 }

func (m *message) maxHops() (float64, bool) { return float64(m.maxHop), m.nodes > 1 }

func (m *message) lastDelivery() (float64, bool) { return seconds(m.last - m.at), m.nodes > 1 }

// perMessage reports one value per message.
func (b *broadcasts) perMessage(out *results, name string, value func(*message) (float64, bool)) {
	var d exact
	sum := 0.0
	for _, m := range b.all {
		if v, ok := value(m); ok {
			d.sorted = append(d.sorted, v)
			sum += v
			out.series.add(name, "", seconds(m.at), v)
		}
	}
	if len(d.sorted) == 0 {
		return
	}
	d.mean = sum / float64(len(d.sorted))
	slices.Sort(d.sorted)
	out.summarise(name, d)
	if m, ok := lookup(name+".min", UseValue); ok && m.Name == name {
		out.minimum(name, d)
	}
}

func (b *broadcasts) afterLastCrash(out *results) {
	for i, m := range b.afterCrash {
		k := "_after_crash." + strconv.Itoa(i+1)
		if v, ok := m.reliability(); ok {
			out.metrics["broadcast.reliability"+k] = v
		}
		if v, ok := m.rmr(); ok {
			out.metrics["broadcast.rmr"+k] = v
		}
		if v, ok := m.lastHops(); ok {
			out.metrics["broadcast.last_hop"+k] = v
		}
	}
}

// load reports how the work of forwarding is shared.
func (b *broadcasts) load(out *results) {
	var d exact
	sum := 0.0
	for i, n := range b.copies {
		during := b.during[i]
		if b.live.has(i) {
			during += uint32(len(b.all))
		}
		if during > 0 {
			v := float64(n) / float64(during)
			d.sorted = append(d.sorted, v)
			sum += v
		}
	}
	if len(d.sorted) == 0 {
		return
	}
	d.mean = sum / float64(len(d.sorted))
	out.nodes("broadcast.load", seconds(b.c.now), d)
}

// links leaves behind the tree for its picture: the origin as a link to itself
// at hop 0.
func (b *broadcasts) links(out *results) {
	if b.tree == nil {
		return
	}
	add := func(from, to, hop int) {
		out.series.add("broadcast.tree_links", strconv.Itoa(hop), float64(from), float64(to))
	}
	add(b.tree.origin, b.tree.origin, 0)
	for i, parent := range b.tree.parent {
		if parent >= 0 {
			add(int(parent), i, int(b.tree.hop[i]))
		}
	}
}

// bytes splits what was sent into payload, what the broadcasting protocols sent
// beside it, and everything else.
func (b *broadcasts) bytes(out *results, sent []MessageCount) {
	var messages, payload, control, overlay uint64
	for _, k := range sent {
		family := slices.ContainsFunc(b.families, func(f string) bool { return strings.HasPrefix(k.Name, f) })
		switch {
		case k.Payload:
			messages += k.Messages
			payload += k.Bytes
		case family:
			control += k.Bytes
		default:
			overlay += k.Bytes
		}
	}
	out.metrics["broadcast.payload_bytes"] = float64(payload)
	out.metrics["broadcast.control_bytes"] = float64(control)
	out.metrics["broadcast.overlay_bytes"] = float64(overlay)
	out.share("broadcast.duplication_factor", int64(messages), b.delivered)
	out.share("broadcast.payload_bytes_per_delivery", int64(payload), b.delivered)
	out.share("broadcast.control_bytes_per_delivery", int64(control), b.delivered)
}

// deliveries reports a distribution over deliveries, which are too many to be
// kept as samples each.
func (out *results) deliveries(name string, at float64, d quantiler) {
	out.summarise(name, d)
	for k := range maxNodeSamples + 1 {
		out.series.add(name, "", at, d.Quantile(float64(k)/maxNodeSamples))
	}
}

// nodes reports a distribution over nodes, whose values need not be sorted yet:
// its summary and its samples.
func (out *results) nodes(name string, at float64, d exact) {
	slices.Sort(d.sorted)
	out.summarise(name, d)
	if len(d.sorted) <= maxNodeSamples {
		for _, v := range d.sorted {
			out.series.add(name, "", at, v)
		}
		return
	}
	for k := range maxNodeSamples + 1 {
		out.series.add(name, "", at, d.Quantile(float64(k)/maxNodeSamples))
	}
}
