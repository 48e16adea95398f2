package netmodel

import "fmt"

// Packet is a datagram on its way into the network.
type Packet struct {
	// From and To are indices of nodes, below Config.Nodes.
	From, To uint32
	// Size is in bytes, header included: payload + [Model.Header].
	Size int32
	// K is the number of earlier datagrams From sent to To.
	K uint32
	// Now is the time of sending in nanoseconds, not negative. It does not
	// decrease from one packet of a sender to its next.
	Now int64
}

// Fate is what becomes of a datagram.
type Fate struct {
	// Delay is the time from sending until it reaches the receiver's side
	// (its downlink, if [Model.HasDownlink]), in nanoseconds. For a datagram
	// to another node that is not lost it is at least [Model.MinDelay].
	Delay int64
	// Lost is why it did not arrive, Delivered (0) if it did.
	Lost LossReason
	// Duplicate is the delay of a second copy, at least MinDelay too, or
	// negative if there is none.
	Duplicate int64
	// Corrupt is 0, or the seed of the damage that [Damage] does to the first
	// copy. The second arrives intact.
	Corrupt uint64
}

// LossReason is why a datagram was lost.
type LossReason uint8

const (
	// Delivered: it was not.
	Delivered LossReason = iota
	// LostRandom: by independent loss, or in the good state of a link.
	LostRandom
	// LostBurst: in the bad state of a link (GilbertElliott).
	LostBurst
	// LostCut: a rule cuts the path.
	LostCut
	// LostRule: by the loss or the bursts of a rule.
	LostRule
	// LostUplink: the queue of the sender's uplink was full.
	LostUplink
	// LostLimit: the queue of a rule's bandwidth limit was full.
	LostLimit

	// LossReasons is the number of reasons, Delivered included.
	LossReasons = iota
)

var lossReasonNames = [LossReasons]string{"delivered", "random", "burst", "cut", "rule", "uplink", "limit"}

func (r LossReason) String() string {
	if int(r) < len(lossReasonNames) {
		return lossReasonNames[r]
	}
	return fmt.Sprintf("LossReason(%d)", uint8(r))
}

// and is the reason to report of two: a cut says more than chance.
func (r LossReason) and(s LossReason) LossReason {
	switch {
	case r == LostCut || s == LostCut:
		return LostCut
	case r == Delivered || s == Delivered:
		return max(r, s)
	}
	return min(r, s)
}

// Model is the network of one world. See the package's documentation for
// which methods may run concurrently.
type Model struct {
	seed     uint64
	messages uint64 // key of datagrams
	states   uint64 // key of links' states
	latency  latency
	loss     uint64 // independent
	burst    *burst // nil without GilbertElliott
	base     impairments
	extras   bool // there are impairments or rules
	up, down links
	banks    []*bank
	lastRule RuleID

	nodes       int
	minDelay    int64
	header      int32
	mtu         int32
	mss         int32
	streams     uint64 // key of stream messages
	connects    uint64 // key of connection attempts
	upStreams   []int64
	regionNames []string
	regionOf    []uint16
}

// Nodes is the number of nodes.
func (m *Model) Nodes() int { return m.nodes }

// Header is what every datagram costs beyond its payload, in bytes.
func (m *Model) Header() int { return int(m.header) }

// MTU is the largest payload of a datagram, in bytes.
func (m *Model) MTU() int { return int(m.mtu) }

// MinDelay is the largest time that no datagram between two nodes undercuts,
// in nanoseconds; 0 is possible. Rules do not change it.
func (m *Model) MinDelay() int64 { return m.minDelay }

// Datagram decides the fate of p: a function of the seed, p.From, p.To and
// p.K, of the queue of the sender's uplink and of the rules in force. It
// allocates nothing, and may be called concurrently for different senders.
func (m *Model) Datagram(p *Packet, f *Fate) {
	*f = Fate{Duplicate: -1}
	if p.From == p.To {
		f.Delay = int64(Loopback)
		return
	}
	entered := p.Now // when the last byte has left the sender
	if m.up.limited() {
		done, ok := m.up.pass(p.From, p.Size, p.Now)
		if !ok {
			f.Lost = LostUplink
			return
		}
		entered = done
	}
	h := sub(link(m.messages, p.From, p.To), uint64(p.K))
	f.Delay = entered - p.Now + m.latency.draw(p.From, p.To, h)
	if m.burst != nil {
		f.Lost = m.burst.lost(link(m.states, p.From, p.To), entered, sub(h, purposeLoss))
	} else if m.loss != 0 && hit(sub(h, purposeLoss), m.loss) {
		f.Lost = LostRandom
	}
	if m.extras {
		m.impair(p, f, h, entered)
	}
}

// ready notes whether the slow path is needed.
func (m *Model) ready() { m.extras = len(m.banks) > 0 || m.base.any() }

func (i *impairments) any() bool { return i.duplicate|i.reorder|i.corrupt != 0 }

// passage gathers what impairments and rules do to one datagram.
type passage struct {
	late    int64 // further delay of all copies
	held    int64 // further delay of the first copy
	copied  bool
	corrupt bool
}

// impair adds to the fate of a datagram what impairments and rules do.
func (m *Model) impair(p *Packet, f *Fate, h uint64, entered int64) {
	var way passage
	m.base.add(&way, h)
	for _, b := range m.banks {
		for rest := b.match(p.From, p.To); rest != 0; rest &= rest - 1 {
			e := &b.effects[rest.first()]
			f.Lost = f.Lost.and(e.add(&way, p, mix(h^e.key), entered))
		}
	}
	if f.Lost != Delivered {
		return
	}
	if way.copied {
		f.Duplicate = entered - p.Now + way.late + m.latency.draw(p.From, p.To, sub(h, purposeCopyLatency))
	}
	f.Delay += way.late + way.held
	if way.corrupt {
		f.Corrupt = max(sub(h, purposeDamage), 1)
	}
}

// add draws the impairments of a datagram out of its hash.
func (i *impairments) add(way *passage, h uint64) {
	if i.duplicate != 0 && hit(sub(h, purposeDuplicate), i.duplicate) {
		way.copied = true
	}
	if i.reorder != 0 && hit(sub(h, purposeReorder), i.reorder) {
		way.held += int64(below(sub(h, purposeReorderDelay), uint64(i.reorderDelay)))
	}
	if i.corrupt != 0 && hit(sub(h, purposeCorrupt), i.corrupt) {
		way.corrupt = true
	}
}

// add does to a datagram what a rule does, and tells whether it is lost by
// that. What a rule does depends on no other rule, so that their order does
// not matter.
func (e *effect) add(way *passage, p *Packet, h uint64, entered int64) LossReason {
	if e.cut {
		return LostCut
	}
	if e.busy != nil {
		done, ok := e.limit.pass(&e.busy[p.From], p.Size, entered)
		if !ok {
			return LostLimit
		}
		way.late += done - entered
	}
	if e.loss != 0 && hit(sub(h, purposeLoss), e.loss) {
		return LostRule
	}
	if e.burst != nil && e.burst.lost(link(e.states, p.From, p.To), entered, sub(h, purposeBurst)) != Delivered {
		return LostRule
	}
	way.late += e.delay + int64(below(sub(h, purposeJitter), uint64(e.jitter)))
	e.impairments.add(way, h)
	return Delivered
}
