package tunnel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/device"

	"github.com/starling-sim/starling/protocol"
)

// peer is a node that the tunnel has a contact of. The fields before the blank
// line are guarded by the tunnel's mu.
type peer struct {
	id       protocol.NodeID
	contact  Contact
	raw      []byte
	endpoint netip.AddrPort // where to send; WireGuard follows a peer that moves by itself
	since    time.Duration  // when it was configured; 0: it is not
	met      uint64         // sequence of the last contact that it handed us itself
	held     netip.AddrPort // where the handshake is held back; not valid: nowhere
	yield    time.Duration  // until when the peer is left to begin the handshake

	// Readings of Tunnel.now, 0 for never.
	heard   atomic.Int64 // last inner packet from it
	used    atomic.Int64 // last time somebody wanted to send to it
	waiting atomic.Int64 // first time somebody did after it was last heard
	next    atomic.Int64 // when to announce ourselves again, at the earliest
	tries   atomic.Int32 // announcements since it was last heard
}

const (
	// fresh is how long a peer that was heard of keeps its place: WireGuard
	// gives up a session after the same time (REJECT_AFTER_TIME).
	fresh = 180 * time.Second
	// maxKnown bounds the contacts, at some 400 bytes each.
	maxKnown = 1 << 16
	// An announcement is repeated when nothing was heard for patience, at
	// first after firstPause, doubled each time up to maxPause.
	patience   = 2 * time.Second
	firstPause = 2 * time.Second
	maxPause   = time.Minute
	// courtesy is how long a node that answered an announcement leaves it to
	// the other to begin the handshake.
	courtesy = time.Second
)

func (p *peer) hear(now time.Duration) {
	p.heard.Store(int64(now))
	if p.waiting.Load() != 0 {
		p.waiting.Store(0)
		p.tries.Store(0)
	}
}

// silent notes that somebody sends to the peer, and reports whether it is time
// to announce ourselves because nothing comes back.
func (p *peer) silent(now time.Duration) bool {
	p.used.Store(int64(now))
	since := p.waiting.Load()
	if since == 0 {
		p.waiting.Store(int64(now))
		return false
	}
	next := p.next.Load()
	return int64(now)-since >= int64(patience) && int64(now) >= next && p.next.CompareAndSwap(next, int64(now+p.pause()))
}

func (p *peer) pause() time.Duration {
	return min(firstPause<<min(p.tries.Add(1)-1, 10), maxPause)
}

func (p *peer) lastActive() int64 {
	return max(p.heard.Load(), p.used.Load(), int64(p.since))
}

// Route returns the overlay address of a node, and configures it as a
// WireGuard peer if it is not. It is false for a node that nobody introduced or
// that is not allowed, for all while this node is no member, and when every place
// is taken by peers that were heard of recently.
func (t *Tunnel) Route(id protocol.NodeID) (netip.AddrPort, bool) {
	to := netip.AddrPortFrom(OverlayAddr(id), OverlayPort)
	if id == t.id {
		return to, true
	}
	now := t.now()
	t.mu.RLock()
	p := t.configured[id]
	t.mu.RUnlock()
	if p != nil && !p.silent(now) {
		return to, true
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	p = t.peers[id]
	if p == nil || !t.allowed(p.contact.Identity) {
		return netip.AddrPort{}, false
	}
	if p.since != 0 { // and silent
		// It may know us although our announcement got lost.
		tried := t.unhold(p)
		if tried {
			t.handshake(p, true)
		}
		t.announce(p, !tried)
		return to, true
	}
	t.hold(p, patience)
	if err := t.configure(p); err != nil {
		t.unhold(p)
		return netip.AddrPort{}, false
	}
	p.silent(now)
	p.next.Store(int64(now + p.pause()))
	t.announce(p, false)
	return to, true
}

// Introduce tells the tunnel how to reach a node, by a contact from anywhere.
// It keeps it if the node itself signed it and it is newer than what is known;
// news that is old is no error. The error wraps a [Reason], which is counted.
func (t *Tunnel) Introduce(id protocol.NodeID, contact []byte) error {
	if err := t.introduce(id, contact); err != nil {
		var reason Reason
		if errors.As(err, &reason) {
			t.count.drop(reason)
		}
		return fmt.Errorf("introduce %v: %w", id, err)
	}
	return nil
}

func (t *Tunnel) introduce(id protocol.NodeID, raw []byte) error {
	t.mu.RLock()
	p := t.peers[id]
	known := id == t.id || p != nil && bytes.Equal(p.raw, raw) && t.allowed(p.contact.Identity)
	var sequence uint64
	if p != nil {
		sequence = p.contact.Sequence
	}
	t.mu.RUnlock()
	if known { // most of the time: membership repeats itself
		return nil
	}
	c, err := DecodeContact(raw)
	if err != nil {
		return errors.Join(ReasonMalformed, err)
	}
	if c.NodeID() != id {
		return fmt.Errorf("the contact is of %v: %w", c.NodeID(), ReasonForged)
	}
	if c.Sequence < sequence {
		return nil
	}
	if !t.allowed(c.Identity) {
		return ReasonNotAllowed
	}
	if c.Verify() != nil {
		return ReasonForged
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err = t.learn(c, netip.AddrPort{})
	if errors.Is(err, ReasonOld) {
		return nil
	}
	return err
}

// Contact returns what others need to reach a node, nil if it is not known.
// The bytes are not to be written to.
func (t *Tunnel) Contact(id protocol.NodeID) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if id == t.id {
		return t.selfRaw
	}
	if p := t.peers[id]; p != nil {
		return p.raw
	}
	return nil
}

// Vouch returns the node that an inner packet or connection comes from.
// WireGuard has authenticated the overlay address; a claim to be another node
// is refused and counted.
func (t *Tunnel) Vouch(from netip.AddrPort, claimed protocol.NodeID) (protocol.NodeID, bool) {
	id, ok := overlayID(from.Addr())
	if !ok || id != claimed {
		t.count.drop(ReasonClaim)
		return 0, false
	}
	if id == t.id {
		return id, true
	}
	t.mu.RLock()
	p := t.configured[id]
	t.mu.RUnlock()
	if p == nil { // it was configured when the packet came in
		return 0, false
	}
	p.hear(t.now())
	return id, true
}

// learn takes in a verified contact. Direct is where the node itself spoke
// from, if it did, just now and proving membership. The caller holds mu.
func (t *Tunnel) learn(c Contact, direct netip.AddrPort) (*peer, error) {
	p := t.peers[c.NodeID()]
	if err := t.acceptable(p, c); err != nil {
		return nil, err
	}
	if holder := t.byKey[c.WireGuard]; holder != nil && holder != p {
		if !direct.IsValid() || holder.heard.Load() != 0 {
			return nil, ReasonKeyTaken
		}
		t.forget(holder)
	}
	if p == nil {
		if !t.makeRoom() {
			return nil, ReasonFull
		}
		p = &peer{id: c.NodeID()}
		t.peers[p.id] = p
	}
	return p, t.update(p, c, direct)
}

// acceptable checks a contact against what is known of its node, p.
func (t *Tunnel) acceptable(p *peer, c Contact) error {
	switch {
	case c.Identity == t.self.Identity || c.NodeID() == t.id:
		return ReasonSelf
	case !t.allowed(c.Identity):
		return ReasonNotAllowed
	case c.WireGuard == t.self.WireGuard:
		return ReasonKeyTaken
	case p == nil:
		return nil
	case c.Identity != p.contact.Identity:
		return ReasonCollision
	case c.Sequence < p.contact.Sequence:
		return ReasonOld
	case c.Sequence == p.contact.Sequence && c != p.contact:
		return ReasonFork
	}
	return nil
}

// update puts an accepted contact in place of the last one, and has the device
// follow.
func (t *Tunnel) update(p *peer, c Contact, direct netip.AddrPort) error {
	old, wasConfigured := p.contact, p.since != 0
	endpoint := p.endpoint
	switch {
	case direct.IsValid():
		endpoint = direct
	case c.Endpoint.IsValid() && c.Endpoint != old.Endpoint:
		endpoint = c.Endpoint
	}
	rekeyed, moved := old.WireGuard != c.WireGuard, endpoint != p.endpoint
	// A node that joins is met twice, the second time with its endpoint.
	located := c.Endpoint.IsValid() && !old.Endpoint.IsValid()
	restarted := direct.IsValid() && p.met != 0 && c.Sequence > p.met && wasConfigured && !rekeyed && !located
	if direct.IsValid() {
		p.met = c.Sequence
	}
	if rekeyed {
		t.unconfigure(p)
		delete(t.byKey, old.WireGuard)
		t.byKey[c.WireGuard] = p
	}
	p.contact, p.raw, p.endpoint = c, c.Append(nil), endpoint
	if wasConfigured && (rekeyed || moved) {
		if err := t.configure(p); err != nil {
			return err
		}
	}
	if restarted {
		// It has forgotten our session, and would let our packets pass in
		// silence until WireGuard's time-out.
		t.expire(p)
	}
	return nil
}

// makeRoom reports whether there is room for another contact, forgetting one
// that is not in use if need be. Which one is left to chance.
func (t *Tunnel) makeRoom() bool {
	if len(t.peers) < maxKnown {
		return true
	}
	for _, p := range t.peers {
		if p.since == 0 {
			t.forget(p)
			t.count.evicted.Add(1)
			return true
		}
	}
	return false
}

func (t *Tunnel) forget(p *peer) {
	t.unconfigure(p)
	delete(t.byKey, p.contact.WireGuard)
	delete(t.peers, p.id)
}

// configure makes a peer known to the device, or brings the device up to date.
// The caller holds mu.
func (t *Tunnel) configure(p *peer) error {
	if t.closed || t.member.isZero() {
		return ReasonNoSecret
	}
	if p.since == 0 && len(t.configured) >= t.maxPeers && !t.evict() {
		return ReasonFull
	}
	preshared := t.member.preshared()
	var set strings.Builder
	fmt.Fprintf(&set, "public_key=%s\npreshared_key=%s\nreplace_allowed_ips=true\nallowed_ip=%v/128\n",
		hex.EncodeToString(p.contact.WireGuard[:]), hex.EncodeToString(preshared[:]), OverlayAddr(p.id))
	if p.endpoint.IsValid() {
		fmt.Fprintf(&set, "endpoint=%v\n", p.endpoint)
	}
	fmt.Fprintf(&set, "persistent_keepalive_interval=%d\n", t.keepalive)
	if err := t.dev.IpcSet(set.String()); err != nil {
		return fmt.Errorf("configure peer %v: %w", p.id, err)
	}
	if p.since == 0 {
		p.since = t.now()
	}
	t.configured[p.id] = p
	return nil
}

// unconfigure takes a peer out of the device; its contact stays known.
func (t *Tunnel) unconfigure(p *peer) {
	if p.since == 0 {
		return
	}
	t.dev.RemovePeer(device.NoisePublicKey(p.contact.WireGuard))
	t.unhold(p)
	delete(t.configured, p.id)
	p.since = 0
}

// evict takes the longest inactive peer out of the device, except those that
// were heard of recently. It looks at all of them: it is rare that all places
// are taken, and setting up the next peer costs more.
func (t *Tunnel) evict() bool {
	now := int64(t.now())
	var victim *peer
	for _, p := range t.configured {
		heard := p.heard.Load()
		if heard != 0 && now-heard < int64(fresh) {
			continue
		}
		if victim == nil || p.lastActive() < victim.lastActive() {
			victim = p
		}
	}
	if victim == nil {
		return false
	}
	t.unconfigure(victim)
	t.count.evicted.Add(1)
	return true
}
