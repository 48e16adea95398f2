// Package tunnel is a node's network inside WireGuard: a userspace device with
// its own IPv6 stack, on one UDP port, without root and without a tun device.
// It offers the sockets that package transport asks for, on overlay addresses.
//
// # Identity
//
// A node's identity is an Ed25519 key that never changes. Its [protocol.NodeID]
// is the first 8 bytes of SHA-256 over a label and that key, and its overlay
// address is fd73:7461:726c:696e::/64 with the NodeID as host part. The
// WireGuard key is a second key: the identity signs it, together with a
// sequence number and the node's endpoint, and that signed record is the
// node's [Contact]. Peers take the highest sequence. So a WireGuard key can be
// rotated ([Tunnel.Rotate]) and the node stays who it was; an identity derived
// from the WireGuard key itself would end with that key. Both keys are in one
// key file ([Keys]), which two nodes must not share.
//
// WireGuard lets a packet in from an overlay address only if it came from the
// key that the address is configured for, and that key is configured only from
// a contact whose identity hashes to the address. [Tunnel.Vouch] rests on
// that: what it returns is authenticated, and a sender's claim to be another
// node is refused.
//
// A contact proves that the identity wants the WireGuard key, not that it
// holds it. A member that claims somebody else's WireGuard key gains no
// traffic by it (packets from that key arrive with the other's address and are
// dropped) but stands in the other's way; for that reason a claim that was
// never heard of yields to a node that announces itself (below).
//
// # Membership of the cluster
//
// A cluster has a [Secret] of 32 random bytes. Three keys are derived from it
// with HKDF-SHA-256 (RFC 5869):
//
//	member key            HKDF(secret, "starling member v1")
//	  preshared key       HKDF(member key, "starling preshared v1")
//	  announcement key    HKDF(member key, "starling announce v1")
//	ticket key            HKDF(secret, "starling ticket v1" | ticket id | expiry)
//
// Every pair of nodes uses the preshared key in its WireGuard handshake, so a
// node that is not a member completes none. A [Ticket] carries a ticket key:
// until it expires, it admits its holder, who is then sent the member key and
// keeps it in the key file. A ticket that has expired gives away neither the
// cluster secret nor the member key. Only nodes that hold the secret itself
// issue and accept tickets. What this does not do: a member cannot be thrown
// out by the others, short of a new secret or an allow list ([Options].Allow),
// and a ticket is good for any number of nodes until it expires.
//
// # Admission and announcement
//
// WireGuard answers only keys that it is configured for. A node that wants to
// be configured sends one datagram to the peer's WireGuard port, of a type
// that WireGuard does not use, and gets one back:
//
//	request, 320 bytes          answer, 320 bytes
//	 0  4  magic "STRA"          0  4  magic "STRA"
//	 4  1  version, 1            4  1  version, 1
//	 5  1  kind, 1               5  1  kind, 2
//	 6  1  proof (below)         6  2  zero
//	 7  1  zero                  8 24  nonce of the answer
//	 8  8  NodeID asked, or 0   32 24  nonce of the request
//	16  8  ticket id            56     sealed:
//	24  8  expiry, Unix s        0 19  where the request came from
//	32 24  nonce                19 32  member key, or zero
//	56     sealed:              51  1  length of the contact
//	 0  8  time, Unix ms        52     contact, then zeros
//	 8  1  length of the contact
//	 9     contact, then zeros
//
// Integers are big-endian. The rest of each is sealed with XChaCha20-Poly1305,
// the 56 bytes before it being the associated data. Proof 1 seals with a
// ticket's key; proof 2 seals with the announcement key, its ticket id and
// expiry are zero. A request is looked at in the order of cost: size, magic
// and version; expiry; a token bucket of its source address; the seal; its
// time (at most two minutes off) and whether its nonce was seen; the allow
// list; the signature of the contact. Whatever fails is counted by its reason
// ([Tunnel.Stats]) and gets no answer. The answer is as long as the request
// and goes out only when everything held, so nothing is amplified, and who
// does not know the secret does not learn that anybody is here.
//
// A member announces itself to a peer in the same way when it first has
// something to send to it, and again when it hears nothing back. Thus two
// members that know each other's contact reach each other at once, and a node
// that restarted or rotated its key is recognised without an operator.
//
// A handshake that the peer would ignore costs five seconds, WireGuard's
// pause before the next. So the device's handshake with a peer that has yet to
// take note of an announcement is held back until it is answered.
//
// A node that was given no address to advertise takes the one that its seed
// saw it at. There is no hole punching: of two nodes that are both behind
// address translation neither reaches the other.
//
// # Limits
//
// A configured WireGuard peer costs two goroutines and some 20 kB;
// at most [Options].MaxPeers are configured at once, the longest silent makes
// room, and one that was heard of in the last three minutes never does. Known
// contacts are bounded too. The inner MTU is 1420 bytes, which leaves 1372 for
// a UDP payload over IPv6.
package tunnel
