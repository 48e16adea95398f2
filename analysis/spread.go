package analysis

import (
	"time"
)

// spread is one piece of news on its way: that a member crashed, that it
// leaves, that its metadata changed. Who is to learn it is a witness.
type spread struct {
	subject  int
	what     news
	at       int64
	measured bool // began after the warm-up
	// witness and known are nil once the watching has ended.
	witness, known bitset
	witnesses      int
	knowing        int
	// Times at which it was so for the first time, -1 if never.
	suspected, first, half, most, all int64
	end                               int64 // when the watching ended
	superseded                        bool  // by a restart or another change
	hadWitness                        bool

	// Metadata only: what the members knew before, and what is the news.
	before, content uint64
	started         bool
}

type news uint8

const (
	newsCrash news = iota
	newsLeave
	newsMetadata
)

// update notes what the numbers have reached.
func (s *spread) update(now int64) {
	if s.witnesses == 0 {
		return
	}
	reached := func(at *int64, yes bool) {
		if yes && *at < 0 {
			*at = now
		}
	}
	reached(&s.half, 2*s.knowing >= s.witnesses)
	reached(&s.most, 100*s.knowing >= 99*s.witnesses)
	reached(&s.all, s.knowing == s.witnesses)
}

// spreads follows all news. Memory: two bitsets over the nodes for each that
// is being watched.
type spreads struct {
	truth *truth
	all   []*spread       // in the order of their beginning
	open  map[int]*spread // crash or leave by subject
	meta  map[int]*spread // metadata by subject
	// lastMeta is the latest content anybody learned about a subject.
	lastMeta map[int]uint64
	ages     ageCurve

	// pairs of measured open crashes and their witnesses
	witnesses, knowing int64
}

func newSpreads(t *truth, interval time.Duration) spreads {
	return spreads{
		truth: t, open: map[int]*spread{}, meta: map[int]*spread{}, lastMeta: map[int]uint64{},
		ages: ageCurve{interval: int64(interval)},
	}
}

func (p *spreads) begin(subject int, what news) *spread {
	n := len(p.truth.members)
	s := &spread{
		subject: subject, what: what, at: p.truth.c.now, measured: p.truth.c.counting(),
		witness: newBitset(n), known: newBitset(n),
		suspected: -1, first: -1, half: -1, most: -1, all: -1,
	}
	p.all = append(p.all, s)
	return s
}

// gone begins the news that a member crashed or was told to leave.
func (p *spreads) gone(subject int, as status, d *deaths, v *views) {
	what := newsCrash
	if as == leaving || as == left {
		what = newsLeave
	}
	s := p.begin(subject, what)
	p.open[subject] = s
	for i, m := range p.truth.members {
		if i == subject || m.status != live || m.paused {
			continue
		}
		if d.believed.has(subject, i) || v.has(i, subject) || v.blank(i) {
			s.witness.add(i)
			p.count(s, 1, 0)
		}
	}
	// Who believed it dead before it was has nothing to learn.
	for i := range p.truth.members {
		if s.witness.has(i) && d.believed.has(subject, i) {
			p.learn(s, i)
		}
	}
}

func (p *spreads) suspected(subject int) {
	if s := p.open[subject]; s != nil && s.suspected < 0 {
		s.suspected = p.truth.c.now
	}
}

func (p *spreads) learnGone(observer, subject int) {
	if s := p.open[subject]; s != nil {
		p.learn(s, observer)
	}
}

// unlearnGone: stale news brought the subject back to life at observer.
func (p *spreads) unlearnGone(observer, subject int) {
	if s := p.open[subject]; s != nil && s.known.has(observer) {
		s.known.remove(observer)
		if s.witness.has(observer) {
			p.count(s, 0, -1)
		}
	}
}

func (p *spreads) learn(s *spread, observer int) {
	now := p.truth.c.now
	if s.first < 0 {
		s.first = now
	}
	if s.known.has(observer) {
		return
	}
	s.known.add(observer)
	if s.witness.has(observer) {
		p.count(s, 0, 1)
		s.update(now)
	}
}

// dropWitness: of one that crashes, leaves or pauses nobody can expect to
// learn anything in time.
func (p *spreads) dropWitness(i int) {
	for _, s := range p.all {
		if s.witness == nil || !s.witness.has(i) {
			continue
		}
		s.witness.remove(i)
		if s.known.has(i) {
			p.count(s, -1, -1)
		} else {
			p.count(s, -1, 0)
		}
		s.update(p.truth.c.now)
	}
}

// count changes the numbers of a spread and the sums over all crashes.
func (p *spreads) count(s *spread, witnesses, knowing int) {
	s.witnesses += witnesses
	s.knowing += knowing
	s.hadWitness = s.hadWitness || s.witnesses > 0
	if s.what == newsCrash && s.measured {
		p.witnesses += int64(witnesses)
		p.knowing += int64(knowing)
		p.ages.add(p.truth.c.now-s.at, witnesses, knowing)
	}
}

// cameBack: a member that was gone runs again; its going is no news any more.
func (p *spreads) cameBack(subject int) {
	if s := p.open[subject]; s != nil {
		p.close(s, true)
		delete(p.open, subject)
	}
}

func (p *spreads) metadataChanged(subject int) {
	if s := p.meta[subject]; s != nil {
		p.close(s, true)
	}
	s := p.begin(subject, newsMetadata)
	s.before = p.lastMeta[subject]
	p.meta[subject] = s
	for i, m := range p.truth.members {
		if i != subject && m.status == live && !m.paused {
			s.witness.add(i)
			p.count(s, 1, 0)
		}
	}
}

// learnMetadata: observer learned the subject's metadata. The first content
// that differs from what was known before the command is the news.
func (p *spreads) learnMetadata(observer, subject int, content uint64) {
	s := p.meta[subject]
	if s != nil && !s.started && content != s.before {
		s.started, s.content = true, content
	}
	if s != nil && s.started && content == s.content && s.witness != nil {
		p.learn(s, observer)
	}
	if s == nil || !s.started || content == s.content {
		p.lastMeta[subject] = content
	}
}

// close ends the watching and gives the memory back.
func (p *spreads) close(s *spread, superseded bool) {
	p.count(s, -s.witnesses, -s.knowing)
	s.witness, s.known = nil, nil
	s.end, s.superseded = p.truth.c.now, superseded
}

func (p *spreads) sample(set seriesSet, now int64) {
	if p.witnesses > 0 {
		set.add("swim.known_dead_share", "", seconds(now), float64(p.knowing)/float64(p.witnesses))
	}
}

// ageCurve adds up witnesses and those that know by the age of the news.
type ageCurve struct {
	interval           int64
	witnesses, knowing []int64 // changes, by the first point that shows them
}

func (a *ageCurve) add(age int64, witnesses, knowing int) {
	k := 0
	if age > 0 {
		k = int(age/a.interval) + 1
	}
	for len(a.witnesses) <= k {
		a.witnesses, a.knowing = append(a.witnesses, 0), append(a.knowing, 0)
	}
	a.witnesses[k] += int64(witnesses)
	a.knowing[k] += int64(knowing)
}

func (a *ageCurve) finish(set seriesSet) {
	var witnesses, knowing int64
	for k := range a.witnesses {
		witnesses += a.witnesses[k]
		knowing += a.knowing[k]
		if witnesses > 0 {
			set.add("swim.known_dead_share_since_crash", "", seconds(int64(k)*a.interval), float64(knowing)/float64(witnesses))
		}
	}
}
