package netmodel

import (
	"fmt"
	"math/bits"
	"time"
)

// Rule is a condition on the links from nodes of one set to nodes of another,
// in force between Apply and Remove. It adds to what the model does; several
// rules on a link add up.
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
	// Bursts, if not nil, lets each directed link of the rule lose datagrams
	// in bursts, with states of its own.
	Bursts *GilbertElliott
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
	// the rule's RuleID: the number of rules applied before it, plus one.
	Stream uint64
}

// RuleID names a rule in force. It is never 0.
type RuleID uint64

// rules is a set of rules of one bank. It is small so that all nodes' sets
// stay in the cache: at a million nodes 64 rules a bank would quadruple the
// cost of a datagram.
type rules uint16

const (
	bankSize = 16
	allRules = ^rules(0)
)

// first is the smallest member of a set that is not empty.
func (s rules) first() uint { return uint(bits.TrailingZeros16(uint16(s))) }

// bank holds up to bankSize rules. Each node has the set of rules that it is a
// sender of, and that of those it is a receiver of: two loads and two
// operations find all rules that touch a message.
type bank struct {
	used      rules
	symmetric rules
	ends      []ends
	effects   [bankSize]effect
}

type ends struct{ from, to rules }

// effect is a Rule made ready.
type effect struct {
	id            RuleID
	key           uint64
	cut           bool
	loss          uint64
	burst         *burst // nil without bursts
	states        uint64 // key of the links' states
	delay, jitter int64
	impairments
	limit rate
	busy  []int64 // until when each sender's limit transmits, in nanoseconds
}

// impairments are what may happen to a datagram that is not lost.
type impairments struct {
	duplicate, reorder, corrupt uint64
	reorderDelay                int64
}

// match is the set of rules on the link from one node to another.
func (b *bank) match(from, to uint32) rules {
	x, y := b.ends[from], b.ends[to]
	return x.from&y.to | x.to&y.from&b.symmetric
}

// Apply puts a rule in force, from the next packet on. It must not run
// concurrently with any other method.
func (m *Model) Apply(r Rule) (RuleID, error) {
	if err := m.checkRule(&r); err != nil {
		return 0, fmt.Errorf("apply network rule: %w", err)
	}
	from, err := m.resolve("From", r.From)
	if err != nil {
		return 0, fmt.Errorf("apply network rule: %w", err)
	}
	to, err := m.resolve("To", r.To)
	if err != nil {
		return 0, fmt.Errorf("apply network rule: %w", err)
	}
	e, err := m.newEffect(&r, m.lastRule+1)
	if err != nil {
		return 0, fmt.Errorf("apply network rule: %w", err)
	}
	m.lastRule++
	b, slot := m.freeSlot()
	b.used |= 1 << slot
	b.effects[slot] = e
	if r.Symmetric {
		b.symmetric |= 1 << slot
	}
	for i := range b.ends {
		if from[i] {
			b.ends[i].from |= 1 << slot
		}
		if to[i] {
			b.ends[i].to |= 1 << slot
		}
	}
	m.ready()
	return m.lastRule, nil
}

func (m *Model) newEffect(r *Rule, id RuleID) (effect, error) {
	e := effect{
		id: id, key: r.Stream, cut: r.Cut, loss: r.Loss,
		delay: int64(r.Delay), jitter: int64(r.Jitter),
		impairments: impairments{r.Duplicate, r.Reorder, r.Corrupt, int64(r.ReorderDelay)},
		limit:       newRate(r.Bandwidth, queueOr(r.Queue)),
	}
	if e.key == 0 {
		e.key = uint64(id)
	}
	e.key = mix(e.key ^ keyRules)
	if r.Bandwidth != 0 {
		e.busy = make([]int64, m.nodes)
	}
	if r.Bursts == nil {
		return e, nil
	}
	var err error
	e.states = mix(m.states ^ e.key)
	e.burst, err = newBurst("Bursts", *r.Bursts)
	return e, err
}

// freeSlot finds room for a rule, in a further bank if need be.
func (m *Model) freeSlot() (*bank, uint) {
	for _, b := range m.banks {
		if b.used != allRules {
			return b, (^b.used).first()
		}
	}
	b := &bank{ends: make([]ends, m.nodes)}
	m.banks = append(m.banks, b)
	return b, 0
}

// Remove ends a rule. It must not run concurrently with any other method.
func (m *Model) Remove(id RuleID) error {
	for at, b := range m.banks {
		for rest := b.used; rest != 0; rest &= rest - 1 {
			slot := rest.first()
			if b.effects[slot].id != id {
				continue
			}
			b.clear(slot)
			if b.used == 0 {
				m.banks = append(m.banks[:at:at], m.banks[at+1:]...)
			}
			m.ready()
			return nil
		}
	}
	return fmt.Errorf("remove network rule: got %d, want a rule in force", id)
}

func (b *bank) clear(slot uint) {
	b.used &^= 1 << slot
	b.symmetric &^= 1 << slot
	b.effects[slot] = effect{}
	for i := range b.ends {
		b.ends[i].from &^= 1 << slot
		b.ends[i].to &^= 1 << slot
	}
}

func (m *Model) checkRule(r *Rule) error {
	for _, d := range []struct {
		field string
		d     time.Duration
	}{{"Delay", r.Delay}, {"Jitter", r.Jitter}, {"ReorderDelay", r.ReorderDelay}} {
		if err := checkDelay(d.field, d.d); err != nil {
			return err
		}
	}
	if r.Reorder != 0 && r.ReorderDelay == 0 {
		return fmt.Errorf("ReorderDelay: got 0s with a probability to reorder, want 1ns to %v", MaxDelay)
	}
	return m.checkLink("Bandwidth", r.Bandwidth, r.Queue)
}
