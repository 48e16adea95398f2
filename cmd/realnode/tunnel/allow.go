package tunnel

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// allowList is who may be a peer; nil: everybody.
type allowList map[Identity]bool

func newAllowList(identities []Identity) *allowList {
	var l allowList
	if len(identities) > 0 {
		l = make(allowList, len(identities))
		for _, i := range identities {
			l[i] = true
		}
	}
	return &l
}

func (t *Tunnel) allowed(i Identity) bool {
	l := *t.allow.Load()
	return l == nil || l[i]
}

// SetAllow replaces the list of who may be a peer; an empty one allows everybody.
// Peers that are on it no longer are taken out of the device, with their sessions:
// nothing of theirs gets in from the moment when SetAllow returns, and nothing gets
// out to them. They are returned, in ascending order; what connections there are to
// them inside the tunnel is the caller's to close. Their contacts stay known, so
// that who is on the list again is reached as soon as somebody wants to send to it.
// Who is new on it is admitted when it announces itself the next time, or is
// introduced.
func (t *Tunnel) SetAllow(identities []Identity) (cut []protocol.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := *t.allow.Load()
	t.allow.Store(newAllowList(identities))
	for _, p := range t.peers {
		i := p.contact.Identity
		if (before == nil || before[i]) && !t.allowed(i) {
			t.unconfigure(p)
			cut = append(cut, p.id)
		}
	}
	slices.Sort(cut)
	return cut
}
