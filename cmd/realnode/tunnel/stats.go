package tunnel

import "sync/atomic"

// Reason is why something from outside, or on its way there, was dropped.
type Reason uint8

// The reasons, first those of admission datagrams in the order in which they are
// looked at; of these, the ones from ReasonStale on need a proof of membership or
// of a ticket.
const (
	ReasonForeign     Reason = iota // neither WireGuard's nor an admission datagram
	ReasonMalformed                 // size, version or form of an admission datagram
	ReasonMisdirected               // meant for another node
	ReasonNoSecret                  // a ticket at a node without the cluster secret, or any proof at one that is no member
	ReasonExpired                   // a ticket's time is over
	ReasonLimited                   // too many from its address
	ReasonUnasked                   // an answer to nothing
	ReasonBusy                      // too many at once
	ReasonUnproven                  // the seal does not open
	ReasonStale                     // sealed more than two minutes ago or ahead
	ReasonReplayed                  // seen before
	ReasonNotAllowed                // not on the allow list
	ReasonForged                    // the contact's signature does not fit
	ReasonOld                       // a contact with a lower sequence than known
	ReasonFork                      // two contacts with the same sequence
	ReasonCollision                 // two identities with the same NodeID
	ReasonKeyTaken                  // a WireGuard key that another node has
	ReasonSelf                      // somebody else's claim to be this node
	ReasonFull                      // no room for another peer
	ReasonClaim                     // an inner packet whose claimed sender is not its own
	ReasonUnreachable               // an outer packet whose receiver's network, host or port cannot be reached
	ReasonSend                      // an outer packet that the host did not send for another reason
	ReasonReceive                   // an error of the host in the place of an outer packet
	reasons
)

var reasonNames = [reasons]string{
	"foreign", "malformed", "misdirected", "no_secret", "expired", "limited", "unasked", "busy",
	"unproven", "stale", "replayed", "not_allowed", "forged", "old", "fork", "collision", "key_taken",
	"self", "full", "claim", "unreachable", "send_failed", "receive_failed",
}

// String returns the reason as a metric label.
func (r Reason) String() string {
	if r >= reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// Error makes a reason an error, so that a refusal carries it.
func (r Reason) Error() string { return "refused: " + r.String() }

// Stats are counts since the tunnel was made, and two gauges.
type Stats struct {
	// Dropped has an entry for every reason.
	Dropped map[Reason]uint64
	// Admitted counts the requests that were answered: joins and announcements.
	Admitted uint64
	// Announced counts the requests that were sent.
	Announced uint64
	// Evicted counts peers that made room for others.
	Evicted uint64
	// Known and Configured are how many contacts and WireGuard peers there are.
	Known, Configured int
}

type counters struct {
	dropped                      [reasons]atomic.Uint64
	admitted, announced, evicted atomic.Uint64
}

func (c *counters) drop(r Reason) { c.dropped[r].Add(1) }

// Stats returns the counts.
func (t *Tunnel) Stats() Stats {
	s := Stats{
		Dropped:   make(map[Reason]uint64, reasons),
		Admitted:  t.count.admitted.Load(),
		Announced: t.count.announced.Load(),
		Evicted:   t.count.evicted.Load(),
	}
	for r := range reasons {
		s.Dropped[r] = t.count.dropped[r].Load()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.Known, s.Configured = len(t.peers), len(t.configured)
	return s
}
