package tunnel

import (
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/device"
)

// WireGuard begins a handshake when there is something to send, and if nothing
// comes of it, again five seconds later. Nothing comes of it when the peer does
// not know our key yet, when the peer took another from us less than 50 ms ago,
// and when both begin at once, because each then forgets what it began. All of
// these are what happens when two nodes meet for the first time. So the one
// that announces itself holds its handshake back until it is answered, and the
// one that answers leaves it to the other to begin; if both announce
// themselves, the one with the lower NodeID begins.

// hold keeps the device from beginning a handshake with a peer, for a time or
// until unhold. It comes before all that could make the device begin one. The
// caller holds mu.
func (t *Tunnel) hold(p *peer, during time.Duration) {
	if p.held != p.endpoint {
		t.unhold(p)
	}
	if p.endpoint.IsValid() {
		p.held = p.endpoint
		t.bind.hold(p.held, during)
	}
}

// unhold reports whether the device tried to begin a handshake during a hold.
func (t *Tunnel) unhold(p *peer) bool {
	if !p.held.IsValid() {
		return false
	}
	tried := t.bind.release(p.held)
	p.held = netip.AddrPort{}
	return tried
}

// leave is called when a peer announced itself: it begins the handshake.
func (t *Tunnel) leave(p *peer) {
	t.hold(p, courtesy)
	if t.id > p.id {
		p.yield = t.now() + courtesy
	}
}

// introduced is called when a peer answered our announcement: it knows our key
// now. Again says that it is a repeated one, because nothing came back.
func (t *Tunnel) introduced(p *peer, again bool) {
	if t.now() < p.yield {
		return
	}
	tried := t.unhold(p)
	t.handshake(p, tried || again && p.waiting.Load() != 0)
}

// handshake begins one; if it did so within the last five seconds, only if it
// is to start over.
func (t *Tunnel) handshake(p *peer, over bool) {
	if over {
		t.expire(p)
	}
	if wg := t.dev.LookupPeer(device.NoisePublicKey(p.contact.WireGuard)); wg != nil {
		// What fails looks like loss: WireGuard tries again.
		_ = wg.SendHandshakeInitiation(false)
	}
}

// expire ends the session with a peer, as far as sending goes, and lets a
// handshake begin at once.
func (t *Tunnel) expire(p *peer) {
	if wg := t.dev.LookupPeer(device.NoisePublicKey(p.contact.WireGuard)); wg != nil {
		wg.ExpireCurrentKeypairs()
	}
}
