package analysis

import "math"

func (v *views) share() float64 {
	if v.truth.live < 2 {
		return math.NaN()
	}
	return float64(v.pairs) / float64(v.want())
}

func (v *views) sample(set seriesSet) {
	if !v.tracked() {
		return
	}
	now := seconds(v.truth.c.now)
	set.add("swim.view_complete_share", "", now, v.share())
	set.add("swim.ghosts", "", now, float64(v.ghost))
}

func (v *views) finish(out *results) {
	if !v.tracked() {
		return
	}
	out.metrics["swim.view_complete_share"] = v.share()
	out.count("swim.ghosts", v.ghost)
	took := func(name string, pending bool, from, to int64) {
		out.metrics[name] = seconds(to - from)
		if pending {
			out.metrics[name] = math.NaN()
		}
	}
	if v.anyJoin {
		took("swim.join_complete_s", v.joining, v.lastJoin, v.joined)
	}
	if v.anyHeal {
		took("swim.whole_again_s", v.healing, v.healed, v.whole)
	}
}
