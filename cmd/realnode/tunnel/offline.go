package tunnel

import (
	"crypto/ed25519"
	"net/netip"
)

// Contact returns a contact of the node with these keys at an endpoint: for
// tickets that are issued beside the node. It does not count as a new one, of
// which the node itself would have to know; who joins with a ticket looks at the
// identity, the key and the endpoint only.
func (k *Keys) Contact(endpoint netip.AddrPort) Contact {
	c := Contact{Identity: k.Identity(), WireGuard: k.WireGuard(), Sequence: k.sequence, Endpoint: endpoint}
	c.signature = [ed25519.SignatureSize]byte(ed25519.Sign(k.identity, c.signed()))
	return c
}
