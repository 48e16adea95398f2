package protocol

import (
	"fmt"
	"strconv"
)

// NodeID names a node for as long as it keeps its identity, restarts included.
// In the real world it is derived from the node's public key, in the virtual
// world from the node's index and the seed; in both it is spread evenly over
// 64 bits. The zero NodeID names nobody.
type NodeID uint64

// String returns the identity as 16 hexadecimal digits.
func (id NodeID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// ParseNodeID reads what [NodeID.String] wrote.
func ParseNodeID(s string) (NodeID, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 {
		return 0, fmt.Errorf("parse node id: got %q, want 16 hexadecimal digits", s)
	}
	return NodeID(v), nil
}

// Peer is a node together with what it takes to reach it.
type Peer struct {
	ID NodeID
	// Contact is opaque to protocols: an address, a public key, whatever the
	// world's transport needs. At most [MaxContact] bytes.
	Contact []byte
}

// MaxContact bounds a contact's length in bytes.
const MaxContact = 255
