package tunnel

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// Secret is a cluster's root secret: 32 random bytes, no passphrase. Who holds
// it can issue and accept tickets.
type Secret [32]byte

// NewSecret draws a secret.
func NewSecret() Secret {
	var s Secret
	rand.Read(s[:]) // never fails: crypto/rand ends the process instead
	return s
}

// ParseSecret reads what [Secret.Text] wrote.
func ParseSecret(text string) (Secret, error) {
	s, err := parse32(text)
	if err != nil {
		// The text is not shown: errors end up in logs.
		return Secret{}, fmt.Errorf("parse cluster secret: %w", err)
	}
	return Secret(s), nil
}

// Text returns the secret in base64, 44 characters.
func (s Secret) Text() string { return base64.StdEncoding.EncodeToString(s[:]) }

// String does not return the secret, so that it does not end up in a log.
func (s Secret) String() string { return "secret" }

// GoString does not return the secret either.
func (s Secret) GoString() string { return "tunnel.Secret{...}" }

func (s Secret) member() memberKey { return memberKey(derive(s, "starling member v1")) }

// ticketKey is what a ticket's holder proves itself with.
func (s Secret) ticketKey(id, expiry uint64) [32]byte {
	info := []byte("starling ticket v1")
	info = binary.BigEndian.AppendUint64(info, id)
	info = binary.BigEndian.AppendUint64(info, expiry)
	return derive(s, string(info))
}

// memberKey is what every member knows.
type memberKey [32]byte

func (m memberKey) preshared() [32]byte { return derive(m, "starling preshared v1") }
func (m memberKey) announce() [32]byte  { return derive(m, "starling announce v1") }
func (m memberKey) isZero() bool        { return m == memberKey{} }

func derive(from [32]byte, info string) [32]byte {
	key, err := hkdf.Key(sha256.New, from[:], nil, info, 32)
	if err != nil {
		// Only a length above 255 hashes or a FIPS-mode refusal of short
		// keys gets here; both are fixed at 32 bytes.
		panic("tunnel: derive key: " + err.Error())
	}
	return [32]byte(key)
}

// parse32 reads 32 bytes in standard base64, the form in which WireGuard's own
// tools write keys, and nothing that is only nearly that.
func parse32(text string) ([32]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 32 || base64.StdEncoding.EncodeToString(raw) != text {
		return [32]byte{}, fmt.Errorf("got %d characters, want 32 bytes as 44 characters of base64", len(text))
	}
	return [32]byte(raw), nil
}
