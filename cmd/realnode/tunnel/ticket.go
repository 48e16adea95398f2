package tunnel

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Ticket admits its holder to a cluster until it expires. It is a secret: who
// reads it can join. Its bytes, which [Ticket.Text] writes in base64url after
// a prefix and with a checksum:
//
//	version  1  1
//	id       8  big-endian
//	expiry   8  Unix seconds, big-endian
//	key     32  derived from the cluster secret, id and expiry
//	contact     of the seed, the rest
type Ticket struct {
	// Seed is the node that the ticket is shown to.
	Seed Contact
	// Expires is when the seed stops accepting it, to the second.
	Expires time.Time

	id  uint64
	key [32]byte
}

const (
	ticketVersion = 1
	ticketFixed   = 1 + 8 + 8 + 32
	maxTicket     = ticketFixed + maxContact
	// maxExpiry keeps expiries within what time.Time prints: the year 9999.
	maxExpiry = 253402300799
)

// TicketPrefix begins a ticket's text form.
const TicketPrefix = "starling1"

// NewTicket issues a ticket for a seed, which must hold the same secret.
func NewTicket(s Secret, seed Contact, expires time.Time) (Ticket, error) {
	unix := expires.Unix()
	if unix <= 0 || unix > maxExpiry {
		return Ticket{}, fmt.Errorf("issue ticket: expiry %v is out of range", expires)
	}
	if !usable(seed.Endpoint) {
		return Ticket{}, errors.New("issue ticket: the seed does not know its own endpoint; give it one to advertise")
	}
	var id [8]byte
	rand.Read(id[:])
	t := Ticket{Seed: seed, Expires: time.Unix(unix, 0), id: binary.BigEndian.Uint64(id[:])}
	t.key = s.ticketKey(t.id, uint64(unix))
	return t, nil
}

// Text returns the ticket in the form that is handed on.
func (t Ticket) Text() string {
	b := make([]byte, 0, maxTicket)
	b = append(b, ticketVersion)
	b = binary.BigEndian.AppendUint64(b, t.id)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.Unix()))
	b = append(b, t.key[:]...)
	b = t.Seed.Append(b)
	return armour(TicketPrefix, b)
}

// Of tells whether the ticket was issued with a cluster's secret.
func (t Ticket) Of(s Secret) bool {
	key := s.ticketKey(t.id, uint64(t.Expires.Unix()))
	return subtle.ConstantTimeCompare(key[:], t.key[:]) == 1
}

// String describes the ticket without what makes it a secret.
func (t Ticket) String() string {
	return fmt.Sprintf("ticket for %v until %s", t.Seed.NodeID(), t.Expires.UTC().Format(time.RFC3339))
}

// GoString does not return the secret either.
func (t Ticket) GoString() string { return t.String() }

// ParseTicket reads what [Ticket.Text] wrote and verifies the seed's contact.
// Whether it has expired is for the seed to say.
func ParseTicket(text string) (Ticket, error) {
	t, err := parseTicket(text)
	if err != nil {
		return Ticket{}, fmt.Errorf("parse ticket: %w", err)
	}
	return t, nil
}

func parseTicket(text string) (Ticket, error) {
	b, err := unarmour(TicketPrefix, text, maxTicket)
	if err != nil {
		return Ticket{}, err
	}
	if len(b) < ticketFixed || b[0] != ticketVersion {
		return Ticket{}, fmt.Errorf("got %d bytes, want at least %d of version %d", len(b), ticketFixed, ticketVersion)
	}
	expiry := binary.BigEndian.Uint64(b[9:])
	if expiry == 0 || expiry > maxExpiry {
		return Ticket{}, fmt.Errorf("expiry %d is out of range", expiry)
	}
	t := Ticket{id: binary.BigEndian.Uint64(b[1:]), Expires: time.Unix(int64(expiry), 0), key: [32]byte(b[17:])}
	if t.Seed, err = decodeContact(b[ticketFixed:]); err != nil {
		return Ticket{}, fmt.Errorf("contact of the seed: %w", err)
	}
	if !usable(t.Seed.Endpoint) {
		return Ticket{}, errors.New("the seed has no endpoint")
	}
	return t, t.Seed.Verify()
}

const checksumSize = 4

// armour writes bytes as one word that survives a terminal: a prefix that says
// what it is, base64url, and a checksum against slips.
func armour(prefix string, body []byte) string {
	sum := checksum(prefix, body)
	return prefix + base64.RawURLEncoding.EncodeToString(append(body, sum[:]...))
}

// unarmour reads what armour wrote and nothing that is only nearly that.
func unarmour(prefix, text string, maxBody int) ([]byte, error) {
	data, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, fmt.Errorf("want a text that begins with %q", prefix)
	}
	if len(data) > base64.RawURLEncoding.EncodedLen(maxBody+checksumSize) {
		return nil, fmt.Errorf("got %d characters: too long", len(text))
	}
	if strings.ContainsAny(data, "\r\n") { // base64 would skip them
		return nil, errors.New("text is broken into lines")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(data)
	if err != nil {
		return nil, errors.New("text is not base64url")
	}
	body := raw[:max(len(raw)-checksumSize, 0)]
	if sum := checksum(prefix, body); string(raw[len(body):]) != string(sum[:]) {
		return nil, errors.New("checksum does not fit: mistyped or cut short")
	}
	return body, nil
}

func checksum(prefix string, body []byte) [checksumSize]byte {
	sum := sha256.Sum256(append([]byte(prefix), body...))
	return [checksumSize]byte(sum[:])
}
