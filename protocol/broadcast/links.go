package broadcast

import (
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// Sampler is a protocol that knows peers.
type Sampler interface {
	// Sample returns up to count different peers, in random order, without
	// this node itself and whom skip (if not nil) skips.
	Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID
	// OnChange has f called when a peer becomes available or ceases to be. A
	// sampler that takes no care of who becomes available reports failures
	// only.
	OnChange(f func(env protocol.Env, peer protocol.NodeID, present bool))
}

// Overlay is a sampler whose peers agree to be each other's. Its samples and
// changes are those of the agreed links.
type Overlay interface {
	Sampler
	// Neighbors returns all peers, to be read until the next change.
	Neighbors() []protocol.NodeID
}

// FindSampler returns the peer sampler that is nearest below a protocol.
func FindSampler(lower []protocol.Protocol) (Sampler, error) {
	for _, p := range slices.Backward(lower) {
		if s, ok := p.(Sampler); ok {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no peer sampler below: want swim, cyclon or hyparview before it in the stack")
}

// Links are the peers of a broadcast protocol.
type Links struct {
	sampler Sampler
	overlay Overlay // nil if the sampler is none
	fanout  int
	picked  []protocol.NodeID // where there is no overlay
	changed func(env protocol.Env, peer protocol.NodeID, up bool)
}

// NewLinks returns the links of a protocol above others. Over an overlay they
// are its neighbors; over a bare sampler, fanout picks of it, and as many
// peers again that picked this node. Changed is called after a peer has come or
// gone, unless it is nil.
func NewLinks(lower []protocol.Protocol, fanout int, changed func(env protocol.Env, peer protocol.NodeID, up bool)) (*Links, error) {
	s, err := FindSampler(lower)
	if err != nil {
		return nil, err
	}
	if changed == nil {
		changed = func(protocol.Env, protocol.NodeID, bool) {}
	}
	l := &Links{sampler: s, fanout: fanout, changed: changed}
	l.overlay, _ = s.(Overlay)
	s.OnChange(l.onChange)
	return l, nil
}

// Peers returns all peers, to be read until the next change. Over a bare sampler
// it first makes up for those that are missing.
func (l *Links) Peers(env protocol.Env) []protocol.NodeID {
	if l.overlay != nil {
		return l.overlay.Neighbors()
	}
	if missing := l.fanout - len(l.picked); missing > 0 {
		for _, id := range l.sampler.Sample(env, missing, l.Has) {
			l.add(env, id)
		}
	}
	return l.picked
}

// Sampler returns what the peers come from.
func (l *Links) Sampler() Sampler { return l.sampler }

// Has tells whether somebody is a peer.
func (l *Links) Has(id protocol.NodeID) bool {
	if l.overlay != nil {
		return slices.Contains(l.overlay.Neighbors(), id)
	}
	return slices.Contains(l.picked, id)
}

// Heard says that somebody sent to this node as to a peer, and returns whether
// it is one. Over a bare sampler it may become one by that.
func (l *Links) Heard(env protocol.Env, id protocol.NodeID) bool {
	if l.Has(id) {
		return true
	}
	if l.overlay != nil || id == env.ID() || len(l.picked) >= l.inbound() {
		return false
	}
	l.add(env, id)
	return true
}

// inbound is the number of peers up to which those are taken that picked this
// node: enough for nearly all of them, as they are Poisson-distributed.
func (l *Links) inbound() int { return 4*l.fanout + 4 }

// Failed says that a peer was found to be unreachable. An overlay finds that
// out by itself.
func (l *Links) Failed(env protocol.Env, id protocol.NodeID) {
	if l.overlay == nil {
		l.remove(env, id)
	}
}

func (l *Links) onChange(env protocol.Env, id protocol.NodeID, present bool) {
	switch {
	case l.overlay != nil:
		l.changed(env, id, present)
	case !present:
		l.remove(env, id)
	}
}

func (l *Links) add(env protocol.Env, id protocol.NodeID) {
	l.picked = append(l.picked, id)
	l.changed(env, id, true)
}

func (l *Links) remove(env protocol.Env, id protocol.NodeID) {
	i := slices.Index(l.picked, id)
	if i < 0 {
		return
	}
	l.picked = slices.Delete(l.picked, i, i+1)
	l.changed(env, id, false)
}
