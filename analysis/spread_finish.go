package analysis

// finish reports how the news travelled.
func (p *spreads) finish(out *results) {
	undetected := p.undetected()
	for _, s := range p.all {
		if s.witness != nil {
			p.close(s, false)
		}
	}
	p.ages.finish(out.series)

	crashes := p.measured(newsCrash)
	out.count("swim.crashes_measured", int64(len(crashes)))
	out.count("swim.undetected", undetected)
	var restarted int64
	for _, s := range crashes {
		if s.superseded && s.all < 0 {
			restarted++
		}
	}
	out.count("swim.restarted_undetected", restarted)
	out.times("swim.suspect_first_s", since(crashes, func(s *spread) int64 { return s.suspected }))
	out.times("swim.detect_first_s", since(crashes, func(s *spread) int64 { return s.first }))
	out.times("swim.detect_50_s", since(crashes, func(s *spread) int64 { return s.half }))
	out.times("swim.detect_99_s", since(crashes, func(s *spread) int64 { return s.most }))
	out.times("swim.detect_all_s", since(crashes, func(s *spread) int64 { return s.all }))
	out.times("swim.dissemination_s", afterFirst(crashes))
	out.times("swim.leave_all_s", since(p.measured(newsLeave), func(s *spread) int64 { return s.all }))

	updates := p.measured(newsMetadata)
	out.count("swim.metadata_updates", int64(len(updates)))
	out.times("swim.metadata_all_s", since(updates, func(s *spread) int64 { return s.all }))
}

// undetected counts the crashed members that some witness still does not hold
// for dead.
func (p *spreads) undetected() int64 {
	var n int64
	for _, s := range p.all {
		if s.what == newsCrash && s.measured && s.witness != nil && s.knowing < s.witnesses {
			n++
		}
	}
	return n
}

// measured returns the news of one sort that began after the warm-up and that
// there was somebody to learn.
func (p *spreads) measured(what news) []*spread {
	var out []*spread
	for _, s := range p.all {
		if s.what == what && s.measured && s.hadWitness {
			out = append(out, s)
		}
	}
	return out
}

// since measures from the beginning of the news; a case without an end was
// watched to the end.
func since(all []*spread, reached func(*spread) int64) []sample {
	out := make([]sample, len(all))
	for i, s := range all {
		out[i] = sampleOf(s.at, reached(s), s)
	}
	return out
}

// afterFirst measures from the first declaration; news that never got anywhere
// have not begun to spread.
func afterFirst(all []*spread) []sample {
	var out []sample
	for _, s := range all {
		if s.first >= 0 {
			out = append(out, sampleOf(s.first, s.all, s))
		}
	}
	return out
}

func sampleOf(from, to int64, s *spread) sample {
	if to < 0 {
		return sample{at: seconds(s.at), value: seconds(s.end - from)}
	}
	return sample{at: seconds(s.at), value: seconds(to - from), ended: true}
}
