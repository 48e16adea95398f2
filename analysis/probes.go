package analysis

// probes counts how probes ended.
type probes struct {
	failed, direct, indirect, stream int64
	rtt                              *histogram
}

// Outcomes of swim.probe, its first argument.
const (
	probeFailed = iota
	probeDirect
	probeIndirect
	probeStream
)

func (p *probes) ended(outcome uint64, rtt int64) {
	switch outcome {
	case probeFailed:
		p.failed++
		return
	case probeDirect:
		p.direct++
	case probeIndirect:
		p.indirect++
	case probeStream:
		p.stream++
	}
	p.rtt.record(rtt)
}

func (p *probes) finish(out *results) {
	all := p.failed + p.direct + p.indirect + p.stream
	out.count("swim.probes", all)
	out.share("swim.probe_failed_share", p.failed, all)
	out.share("swim.probe_indirect_share", p.indirect, all)
	out.share("swim.probe_stream_share", p.stream, all)
	if p.rtt.count() > 0 {
		out.summarise("swim.probe_rtt_s", p.rtt)
	}
}

// health follows the local health scores.
type health struct {
	score   []uint8
	sum     int64  // over live members
	max     uint8  // after the warm-up
	scoreNs uint64 // score-nanoseconds after the warm-up
	liveNs  uint64
	truth   *truth
}

func (h *health) changed(i int, score uint64, counting bool) {
	if h.truth.members[i].status != live {
		return
	}
	now := uint8(min(score, 255))
	h.sum += int64(now) - int64(h.score[i])
	h.score[i] = now
	if counting {
		h.max = max(h.max, now)
	}
}

// departed: the score goes with the process.
func (h *health) departed(i int) {
	h.sum -= int64(h.score[i])
	h.score[i] = 0
}

func (h *health) pass(ns int64) {
	h.scoreNs += uint64(ns) * uint64(h.sum)
	h.liveNs += uint64(ns) * uint64(h.truth.live)
}

func (h *health) finish(out *results) {
	if h.liveNs > 0 {
		out.metrics["swim.health.mean"] = float64(h.scoreNs) / float64(h.liveNs)
		out.count("swim.health.max", int64(h.max))
	}
}
