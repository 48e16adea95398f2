package broadcast

import (
	"fmt"
	"slices"
	"time"

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
	tell    Listener

	// Where there is no overlay: first those that this node picked, then those
	// that picked this node.
	peers  []protocol.NodeID
	last   []protocol.Time // when they were heard of, or came
	picked int
	fanout int
	heard  uint64 // peers that are available, as far as known
	// parted are peers that this node gave up just now, in that order.
	parted []parting

	waiting bool // for Retry
	tries   uint // without enough peers
}

// Listener is told of links. Any function may be nil.
type Listener struct {
	// Changed is called after a link has come or gone.
	Changed func(env protocol.Env, peer protocol.NodeID, up bool)
	// Greet is called, over a bare sampler, after a link has come that this
	// node picked: it sends the peer any message at all, by which the peer
	// learns of the link. Over an overlay both sides know.
	Greet func(env protocol.Env, peer protocol.NodeID)
	// Part is called, over a bare sampler, after this node has given up a link
	// to a peer that may be well, or refused one: it sends the peer a message
	// upon which that one calls [Links.Parted].
	Part func(env protocol.Env, peer protocol.NodeID)
	// Wait is called, over a bare sampler, to have [Links.Retry] called after
	// a time.
	Wait func(env protocol.Env, d time.Duration)
}

// NewLinks returns the links of a protocol above others. Over an overlay they
// are its neighbors; over a bare sampler, fanout picks of it, and beyond them
// the peers that picked this node.
func NewLinks(lower []protocol.Protocol, fanout int, tell Listener) (*Links, error) {
	s, err := FindSampler(lower)
	if err != nil {
		return nil, err
	}
	if tell.Changed == nil {
		tell.Changed = func(protocol.Env, protocol.NodeID, bool) {}
	}
	if tell.Greet == nil {
		tell.Greet = func(protocol.Env, protocol.NodeID) {}
	}
	if tell.Part == nil {
		tell.Part = func(protocol.Env, protocol.NodeID) {}
	}
	if tell.Wait == nil {
		tell.Wait = func(protocol.Env, time.Duration) {}
	}
	l := &Links{sampler: s, fanout: fanout, tell: tell}
	l.overlay, _ = s.(Overlay)
	s.OnChange(l.onChange)
	return l, nil
}

// Start picks the first peers, as far as some are known.
func (l *Links) Start(env protocol.Env) {
	// A full membership that knows everybody from the start does not report
	// them one by one.
	if s, ok := l.sampler.(interface{ Members() int }); ok {
		l.heard = uint64(max(0, s.Members()-1))
	}
	l.fill(env, 0)
}

// Peers returns all peers, to be read until the next change.
func (l *Links) Peers() []protocol.NodeID {
	if l.overlay != nil {
		return l.overlay.Neighbors()
	}
	return l.peers
}

// Has tells whether somebody is a peer.
func (l *Links) Has(id protocol.NodeID) bool { return slices.Contains(l.Peers(), id) }

// Heard says that somebody sent to this node as to a peer, and returns whether
// it is one. Over a bare sampler it becomes one by that, unless this node gave it
// up just now or has far too many.
func (l *Links) Heard(env protocol.Env, id protocol.NodeID) bool {
	if l.overlay != nil {
		return l.Has(id)
	}
	if i := slices.Index(l.peers, id); i >= 0 {
		l.last[i] = env.Now()
		return true
	}
	return !l.partedFrom(env, id) && l.take(env, id)
}

// Greeted says that somebody told this node that it picked it, and returns
// whether it is a peer. Who is refused is told so.
func (l *Links) Greeted(env protocol.Env, id protocol.NodeID) bool {
	if l.overlay == nil {
		l.parted = slices.DeleteFunc(l.parted, func(p parting) bool { return p.peer == id })
	}
	known := l.Heard(env, id)
	if !known && l.overlay == nil && id != env.ID() {
		l.tell.Part(env, id)
	}
	return known
}

// take makes a peer of one that picked this node, if there is room.
func (l *Links) take(env protocol.Env, id protocol.NodeID) bool {
	if id == env.ID() || len(l.peers)-l.picked >= l.inbound() && !l.makeRoom(env) {
		return false
	}
	l.peers, l.last = append(l.peers, id), append(l.last, env.Now())
	l.tell.Changed(env, id, true)
	return true
}

// Failed says that a peer was found to be unreachable. An overlay finds that
// out by itself.
func (l *Links) Failed(env protocol.Env, id protocol.NodeID) {
	if l.overlay != nil || !l.remove(env, id) || l.waiting {
		return
	}
	l.fill(env, id)
	// The next one that fails soon is made up for later: the sampler may not
	// know yet who is gone, and give two of them in turn as fast as they fail.
	l.wait(env, firstRetry)
}

func (l *Links) onChange(env protocol.Env, id protocol.NodeID, present bool) {
	switch {
	case l.overlay != nil:
		l.tell.Changed(env, id, present)
	case !present:
		l.heard = max(l.heard, 1) - 1
		if l.remove(env, id) {
			l.fill(env, id)
		}
	default:
		l.available(env, id)
	}
}

// available: a peer may be picked. Each of those that are available is as likely
// to be picked as any other (Vitter's reservoir): else everybody would pick
// those that it heard of first, or everybody a newcomer.
func (l *Links) available(env protocol.Env, id protocol.NodeID) {
	l.heard++
	switch {
	case l.Has(id) || id == env.ID():
	case l.picked < l.fanout:
		l.pick(env, id)
	case env.Rand().Uint64N(l.heard) < uint64(l.fanout):
		l.part(env, env.Rand().IntN(l.picked))
		l.pick(env, id)
	}
}

// fill makes up for picks that are missing, without one that is known to be
// unreachable.
func (l *Links) fill(env protocol.Env, without protocol.NodeID) {
	missing := l.fanout - l.picked
	if l.overlay != nil || missing <= 0 {
		return
	}
	for _, id := range l.sampler.Sample(env, missing, func(id protocol.NodeID) bool { return id == without || l.Has(id) }) {
		l.pick(env, id)
	}
	if l.picked < l.fanout && !l.waiting {
		l.wait(env, min(firstRetry<<l.tries, lastRetry))
		l.tries = min(l.tries+1, 8)
	}
}

func (l *Links) wait(env protocol.Env, d time.Duration) {
	if !l.waiting {
		l.waiting = true
		l.tell.Wait(env, d)
	}
}

// Times until missing peers are looked for again, if nobody becomes available
// before. They double: a peer that failed may be the only one there is, and the
// sampler may not know yet that it is gone.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Retry looks for peers that are missing.
func (l *Links) Retry(env protocol.Env) {
	l.waiting = false
	if l.picked >= l.fanout {
		l.tries = 0
	}
	l.fill(env, 0)
}

func (l *Links) pick(env protocol.Env, id protocol.NodeID) {
	l.peers = slices.Insert(l.peers, l.picked, id)
	l.last = slices.Insert(l.last, l.picked, env.Now())
	l.picked++
	l.tell.Changed(env, id, true)
	l.tell.Greet(env, id)
}

func (l *Links) remove(env protocol.Env, id protocol.NodeID) bool {
	i := slices.Index(l.peers, id)
	if i < 0 {
		return false
	}
	l.peers, l.last = slices.Delete(l.peers, i, i+1), slices.Delete(l.last, i, i+1)
	if i < l.picked {
		l.picked--
	}
	l.tell.Changed(env, id, false)
	return true
}
