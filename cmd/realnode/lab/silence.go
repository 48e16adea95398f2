package lab

import "github.com/starling-sim/starling/netmodel"

// silence is the first of the streams of the rules that Silence makes. They draw
// nothing; by their streams they are known.
const silence = 1 << 48

// Silence is the rule for a host that has crashed: a process that was killed
// would give its end away, by streams that break at once and by refusals. With
// this rule in force at the others, before the process is killed, they hear
// nothing. What they send to it counts as [LostNobody].
func Silence(index int) netmodel.Rule {
	host := []uint32{uint32(index)}
	return netmodel.Rule{
		From: netmodel.Set{Nodes: host}, To: netmodel.Set{Nodes: host, Not: true}, Symmetric: true,
		Cut: true, Stream: silence + uint64(index),
	}
}

// silent tells whether a host is known to have crashed.
func (s *Shim) silent(index uint32) bool { return s.silenced[index] > 0 }

// silencing counts the rules of Silence in force.
func (s *Shim) silencing(r netmodel.Rule, by int) {
	if r.Cut && r.Stream >= silence {
		s.silenced[uint32(r.Stream-silence)] += by
	}
}
