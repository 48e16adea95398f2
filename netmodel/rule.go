package netmodel

import "time"

// Set names nodes. The zero Set is all nodes.
type Set struct {
	// Nodes and Regions name candidates; a node that either names is one. If
	// both are empty, every node is a candidate.
	Nodes   []uint32
	Regions []string
	// Share, if not 0, keeps that share of the candidates, out of 2^64 and
	// rounded to the nearest whole number, chosen by the model's seed and
	// Salt.
	Share uint64
	Salt  uint64
	// Not takes all other nodes instead.
	Not bool
}

// Rule is a condition on the links from nodes of one set to nodes of another,
// in force between Apply and Remove. It adds to what the model does.
type Rule struct {
	// From and To are the ends of the links; the rule touches datagrams and
	// streams that go from a node of From to another node of To.
	From, To Set
	// Symmetric extends the rule to the links from To to From. The others
	// are one-way.
	Symmetric bool

	// Cut drops everything.
	Cut bool
	// Loss is a further, independent probability of loss.
	Loss uint64
	// Delay is added to every delay, and a time uniform in [0, Jitter).
	Delay, Jitter time.Duration
	// Duplicate, Reorder with ReorderDelay, and Corrupt are as in Config and
	// come on top.
	Duplicate    uint64
	Reorder      uint64
	ReorderDelay time.Duration
	Corrupt      uint64
	// Bandwidth limits, in bits per second, what each sender may send over
	// the rule's links together; Queue bytes wait at most. 0 means no limit,
	// and DefaultQueue.
	Bandwidth int64
	Queue     int64

	// Stream separates the draws of this rule from those of others. 0 means
	// the rule's RuleID.
	Stream uint64
}

// RuleID names a rule in force. It is never 0.
type RuleID uint64

// Apply puts a rule in force, from the next packet on. It may not be called
// concurrently with anything else.
func (m *Model) Apply(r Rule) (RuleID, error) { return 0, nil }

// Remove ends a rule.
func (m *Model) Remove(id RuleID) error { return nil }

// Members lists the nodes of a set in ascending order.
func (m *Model) Members(s Set) ([]uint32, error) { return nil, nil }
