package netmodel

// Packet is a datagram on its way into the network.
type Packet struct {
	// From and To are indices of nodes, below Config.Nodes.
	From, To uint32
	// Size is in bytes, header included: payload + [Model.Header].
	Size int32
	// K is the number of earlier datagrams From sent to To.
	K uint32
	// Now is the time of sending in nanoseconds. It does not decrease from one
	// packet of a sender to its next.
	Now int64
}

// Fate is what becomes of a datagram.
type Fate struct {
	// Delay is the time from sending until it reaches the receiver's side
	// (its downlink, if [Model.HasDownlink]), in nanoseconds. For a datagram
	// to another node it is at least [Model.MinDelay].
	Delay int64
	// Lost is why it did not arrive, 0 if it did.
	Lost LossReason
	// Duplicate is the delay of a second copy, negative if there is none.
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
	// LostRule: by the loss of a rule.
	LostRule
	// LostUplink: the queue of the sender's uplink was full.
	LostUplink
	// LostLimit: the queue of a rule's bandwidth limit was full.
	LostLimit

	// LossReasons is the number of reasons, Delivered included.
	LossReasons = iota
)

// Model is the network of one world.
type Model struct {
	nodes    int
	header   int32
	mtu      int32
	minDelay int64
}

// New builds a network. The error names the field, what it holds and what it
// may hold.
func New(cfg Config) (*Model, error) { return &Model{}, nil }

// Datagram decides the fate of p. It allocates nothing, and may be called
// concurrently for different senders.
func (m *Model) Datagram(p *Packet, f *Fate) {}

// MinDelay is the largest time that no datagram between two nodes undercuts,
// in nanoseconds; 0 is possible. Rules do not change it.
func (m *Model) MinDelay() int64 { return m.minDelay }

// HasDownlink tells whether any node's downlink is limited: if not, arriving
// datagrams are delivered at once and Arrive need not be called.
func (m *Model) HasDownlink() bool { return false }

// Arrive puts a datagram (or a copy) that reaches a receiver's side at now
// through the receiver's downlink. It returns when the receiver has it, or
// false if the queue was full. Calls for one receiver come in order of time;
// calls for different receivers may be concurrent.
func (m *Model) Arrive(to uint32, size int32, now int64) (deliverAt int64, ok bool) {
	return now, true
}

// Nodes is the number of nodes.
func (m *Model) Nodes() int { return m.nodes }

// Header is what every datagram costs beyond its payload, in bytes.
func (m *Model) Header() int { return int(m.header) }

// MTU is the largest payload of a datagram, in bytes.
func (m *Model) MTU() int { return int(m.mtu) }
