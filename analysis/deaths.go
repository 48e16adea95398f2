package analysis

// deaths counts declarations of death that the truth does not bear out.
type deaths struct {
	truth *truth
	// believed: for a live subject, the members that declared it dead since
	// it started and have not taken it back.
	believed sets
	// pairs: for a subject, the members with at least one false positive.
	pairs sets

	falsePositives, healthy      int64
	anomalous, unreachable, left int64
	suspicions, falseSuspicions  int64
	refutations, flaps           int64
}

// declared: observer says that subject is dead.
func (d *deaths) declared(observer, subject int) {
	s := d.truth.members[subject]
	one := d.truth.one()
	switch s.status {
	case leaving, left:
		d.left += one
		return
	case absent, crashed:
		return
	case live:
	}
	if !d.believed.add(subject, observer) {
		return // it said so before
	}
	switch {
	case d.truth.cutOff(observer, subject):
		d.unreachable += one
	case s.anomalous:
		d.anomalous += one
	default:
		d.falsePositives += one
		if !d.truth.members[observer].anomalous {
			d.healthy += one
		}
		if one == 1 {
			d.pairs.add(subject, observer)
		}
	}
}

func (d *deaths) suspected(observer, subject int) {
	one := d.truth.one()
	d.suspicions += one
	s := d.truth.members[subject]
	if s.status == live && !s.anomalous && !d.truth.cutOff(observer, subject) {
		d.falseSuspicions += one
	}
}

// alive: subject came to life in observer's view.
func (d *deaths) alive(observer, subject int) {
	if d.believed.remove(subject, observer) {
		d.flaps += d.truth.one()
	}
}

// departed: the process of i is about to be gone, and what it believed with
// it.
func (d *deaths) departed(i int) {
	d.believed.clear(i)
	//starling:exempt maprange removing one entry does not depend on the others
	for subject := range d.believed.m {
		d.believed.remove(subject, i)
	}
}

func (d *deaths) finish(out *results) {
	out.count("swim.false_positives", d.falsePositives)
	out.count("swim.false_positives_healthy", d.healthy)
	out.count("swim.false_positive_members", int64(len(d.pairs.m)))
	out.count("swim.anomalous_deaths", d.anomalous)
	out.count("swim.unreachable_deaths", d.unreachable)
	out.count("swim.left_deaths", d.left)
	out.count("swim.suspicions", d.suspicions)
	out.count("swim.false_suspicions", d.falseSuspicions)
	out.count("swim.refutations", d.refutations)
	out.count("swim.flaps", d.flaps)

	var members, subjects, pairs int64
	for i, m := range d.truth.members {
		if m.status == absent {
			continue
		}
		members++
		if !m.anomalous {
			subjects++
			pairs += int64(d.pairs.count(i))
		}
	}
	out.share("swim.false_positive_rate", pairs, subjects*(members-1))
}
