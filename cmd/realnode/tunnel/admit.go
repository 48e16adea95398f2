package tunnel

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/starling-sim/starling/protocol"
)

// admitSize is the size of a request and of an answer, in bytes. They are
// equal so that an answer never amplifies.
const admitSize = 320

const (
	admitMagic   = "STRA"
	admitVersion = 1

	kindRequest = 1
	kindAnswer  = 2

	proofTicket = 1
	proofMember = 2

	nonceSize  = chacha20poly1305.NonceSizeX
	admitHead  = 8 + 2*nonceSize // bytes that are not sealed: in an answer two nonces, in a request as many bytes
	admitPlain = admitSize - admitHead - chacha20poly1305.Overhead

	endpointSize = 1 + 16 + 2 // of an endpoint with its fixed width
)

type nonce [nonceSize]byte

func newNonce() (n nonce) {
	rand.Read(n[:])
	return n
}

// request is what a node sends in order to be configured as a peer.
type request struct {
	proof  byte
	target protocol.NodeID // whom it is for; 0: whoever has the address
	ticket uint64          // proofTicket only
	expiry uint64          // proofTicket only: Unix seconds
	nonce  nonce

	// What follows is sealed.
	time    int64 // Unix milliseconds
	contact Contact
}

// answer is what comes back.
type answer struct {
	nonce   nonce
	request nonce // of the request that it answers

	// What follows is sealed.
	observed netip.AddrPort // where the request came from
	member   memberKey      // zero if the asking node has it
	contact  Contact
}

var (
	errForm   = errors.New("not an admission datagram of this version")
	errSealed = errors.New("seal does not open")
)

// isAdmission tells admission datagrams from WireGuard's, whose first four
// bytes are one of 1 to 4 and three zeros.
func isAdmission(b []byte) bool { return len(b) >= 4 && string(b[:4]) == admitMagic }

// admissionKind returns the kind of a datagram whose form is right.
func admissionKind(b []byte) (byte, bool) {
	if len(b) != admitSize || !isAdmission(b) || b[4] != admitVersion || b[7] != 0 {
		return 0, false
	}
	switch kind, proof := b[5], b[6]; kind {
	case kindRequest:
		return kind, proof == proofTicket || proof == proofMember
	case kindAnswer:
		return kind, proof == 0
	}
	return 0, false
}

func (r request) seal(key [32]byte) ([]byte, error) {
	b := make([]byte, 0, admitSize)
	b = append(b, admitMagic...)
	b = append(b, admitVersion, kindRequest, r.proof, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(r.target))
	b = binary.BigEndian.AppendUint64(b, r.ticket)
	b = binary.BigEndian.AppendUint64(b, r.expiry)
	b = append(b, r.nonce[:]...)

	plain := binary.BigEndian.AppendUint64(make([]byte, 0, admitPlain), uint64(r.time))
	return seal(key, r.nonce, b, appendContact(plain, r.contact))
}

// requestHead reads what is not sealed, which is enough to find the key.
func requestHead(b []byte) (request, error) {
	if kind, ok := admissionKind(b); !ok || kind != kindRequest {
		return request{}, errForm
	}
	r := request{
		proof:  b[6],
		target: protocol.NodeID(binary.BigEndian.Uint64(b[8:])),
		ticket: binary.BigEndian.Uint64(b[16:]),
		expiry: binary.BigEndian.Uint64(b[24:]),
		nonce:  nonce(b[32:]),
	}
	if r.proof == proofMember && (r.ticket != 0 || r.expiry != 0) {
		return request{}, errForm
	}
	return r, nil
}

// openRequest reads all of a request. The contact in it is not verified yet.
func openRequest(key [32]byte, b []byte) (request, error) {
	r, err := requestHead(b)
	if err != nil {
		return request{}, err
	}
	plain, err := unseal(key, r.nonce, b)
	if err != nil {
		return request{}, err
	}
	r.time = int64(binary.BigEndian.Uint64(plain))
	r.contact, err = cutContact(plain[8:])
	return r, err
}

func (a answer) seal(key [32]byte) ([]byte, error) {
	b := make([]byte, 0, admitSize)
	b = append(b, admitMagic...)
	b = append(b, admitVersion, kindAnswer, 0, 0)
	b = append(b, a.nonce[:]...)
	b = append(b, a.request[:]...)

	plain := appendEndpoint(make([]byte, 0, admitPlain), a.observed)
	plain = append(plain, make([]byte, endpointSize-len(plain))...)
	plain = append(plain, a.member[:]...)
	return seal(key, a.nonce, b, appendContact(plain, a.contact))
}

// answerHead reads what is not sealed.
func answerHead(b []byte) (answer, error) {
	if kind, ok := admissionKind(b); !ok || kind != kindAnswer {
		return answer{}, errForm
	}
	return answer{nonce: nonce(b[8:]), request: nonce(b[8+nonceSize:])}, nil
}

// openAnswer reads all of an answer. The contact in it is not verified yet.
func openAnswer(key [32]byte, b []byte) (answer, error) {
	a, err := answerHead(b)
	if err != nil {
		return answer{}, err
	}
	plain, err := unseal(key, a.nonce, b)
	if err != nil {
		return answer{}, err
	}
	observed, padding, err := cutEndpoint(plain[:endpointSize])
	if err != nil || !allZero(padding) {
		return answer{}, fmt.Errorf("observed endpoint: %w", errForm)
	}
	a.observed = observed
	a.member = memberKey(plain[endpointSize:])
	a.contact, err = cutContact(plain[endpointSize+len(a.member):])
	return a, err
}

func seal(key [32]byte, n nonce, head, plain []byte) ([]byte, error) {
	if len(head) != admitHead || len(plain) > admitPlain {
		return nil, fmt.Errorf("seal admission: %d bytes in the clear and %d sealed do not fit", len(head), len(plain))
	}
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, fmt.Errorf("seal admission: %w", err)
	}
	plain = append(plain, make([]byte, admitPlain-len(plain))...)
	return aead.Seal(head, n[:], plain, head), nil
}

func unseal(key [32]byte, n nonce, b []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, fmt.Errorf("open admission: %w", err)
	}
	plain, err := aead.Open(make([]byte, 0, admitPlain), n[:], b[admitHead:], b[:admitHead])
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

func appendContact(b []byte, c Contact) []byte {
	raw := c.Append(nil)
	return append(append(b, byte(len(raw))), raw...)
}

// cutContact reads a length, a contact and zeros to the end.
func cutContact(b []byte) (Contact, error) {
	n := int(b[0])
	if 1+n > len(b) || !allZero(b[1+n:]) {
		return Contact{}, errForm
	}
	return DecodeContact(b[1 : 1+n])
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// timely reports whether a request was sealed at about this time.
func (r request) timely(now time.Time) bool {
	return now.Sub(time.UnixMilli(r.time)).Abs() <= admitWindow
}

// admitWindow is how far the clocks of two nodes may be apart for one to admit
// the other, the time on the way included.
const admitWindow = 2 * time.Minute
