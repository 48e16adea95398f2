package tunnel

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Identity is a node's Ed25519 public key.
type Identity [ed25519.PublicKeySize]byte

// ParseIdentity reads what [Identity.String] wrote.
func ParseIdentity(text string) (Identity, error) {
	raw, err := parse32(text)
	if err != nil {
		return Identity{}, fmt.Errorf("parse identity %q: %w", text, err)
	}
	return Identity(raw), nil
}

// String returns the key in base64, 44 characters.
func (i Identity) String() string { return base64.StdEncoding.EncodeToString(i[:]) }

// NodeID returns the node that the identity is.
func (i Identity) NodeID() protocol.NodeID {
	sum := sha256.Sum256(append([]byte("starling node id v1"), i[:]...))
	// Zero names nobody: take the next eight bytes then.
	for rest := sum[:]; len(rest) > 0; rest = rest[8:] {
		if id := binary.BigEndian.Uint64(rest); id != 0 {
			return protocol.NodeID(id)
		}
	}
	return 1
}

// PublicKey is a Curve25519 key, as WireGuard uses it.
type PublicKey [32]byte

// String returns the key in base64, as WireGuard's tools write it.
func (k PublicKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// overlay is the /64 of all overlay addresses, an RFC 4193 prefix. It is the
// same for every cluster: the addresses never leave the tunnel.
var overlay = [8]byte{0xfd, 0x73, 0x74, 0x61, 0x72, 0x6c, 0x69, 0x6e}

// OverlayPort is the port inside the tunnel, of datagrams and of streams.
const OverlayPort = 7946

// OverlayAddr returns a node's address inside the tunnel.
func OverlayAddr(id protocol.NodeID) netip.Addr {
	var a [16]byte
	copy(a[:], overlay[:])
	binary.BigEndian.PutUint64(a[8:], uint64(id))
	return netip.AddrFrom16(a)
}

// overlayID is the inverse of OverlayAddr.
func overlayID(addr netip.Addr) (protocol.NodeID, bool) {
	if !addr.Is6() || addr.Is4In6() || addr.Zone() != "" {
		return 0, false
	}
	a := addr.As16()
	id := protocol.NodeID(binary.BigEndian.Uint64(a[8:]))
	return id, [8]byte(a[:8]) == overlay && id != 0
}

// Keys are a node's private keys, with what it must not forget about them. A
// Keys is not safe for concurrent use; the [Tunnel] that is given one owns it.
type Keys struct {
	path      string // of the key file; "" keeps the keys in memory only
	identity  ed25519.PrivateKey
	wireguard *ecdh.PrivateKey
	// sequence is the highest number of a contact that was ever signed.
	sequence uint64
	// member is the cluster's member key, once a seed has handed it out.
	member memberKey
}

// NewKeys draws the keys of a new node, kept in memory only.
func NewKeys() (*Keys, error) {
	_, identity, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw identity key: %w", err)
	}
	k := &Keys{identity: identity}
	return k, k.redraw()
}

// CreateKeys draws the keys of a new node and writes them to a key file. The
// error is fs.ErrExist if there is one.
func CreateKeys(path string) (*Keys, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return nil, fmt.Errorf("create key file %s: %w", path, err)
	}
	k, err := NewKeys()
	if err != nil {
		return nil, err
	}
	k.path = path
	return k, k.save()
}

// LoadKeys reads a key file. It refuses a file that others than its owner may
// read.
func LoadKeys(path string) (*Keys, error) {
	k, err := loadKeys(path)
	if err != nil {
		return nil, fmt.Errorf("load key file %s: %w", path, err)
	}
	return k, nil
}

func loadKeys(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("got %v of %d bytes, want a regular file of at most %d", info.Mode(), info.Size(), maxKeyFile)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("got mode %#o, want 0600: others may read it", perm)
	}
	text := make([]byte, info.Size())
	if _, err := f.ReadAt(text, 0); err != nil {
		return nil, err
	}
	k, err := parseKeys(string(text))
	if err != nil {
		return nil, err
	}
	k.path = path
	return k, nil
}

// maxKeyFile bounds a key file, in bytes; a real one has less than 250.
const maxKeyFile = 4096

const keyFileHead = "starling-keys 1"

func parseKeys(text string) (*Keys, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 5 || lines[0] != keyFileHead {
		return nil, fmt.Errorf("got %d lines, want 5 of which the first is %q", len(lines), keyFileHead)
	}
	var fields [4]string
	for i, name := range []string{"identity", "wireguard", "member", "sequence"} {
		value, ok := strings.CutPrefix(lines[i+1], name+" ")
		if !ok {
			return nil, fmt.Errorf("line %d: want %q", i+2, name)
		}
		fields[i] = value
	}
	var raw [3][32]byte
	for i := range raw {
		var err error
		if raw[i], err = parse32(fields[i]); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	k := &Keys{identity: ed25519.NewKeyFromSeed(raw[0][:]), member: raw[2]}
	var err error
	if k.wireguard, err = ecdh.X25519().NewPrivateKey(raw[1][:]); err != nil {
		return nil, fmt.Errorf("line 3: %w", err)
	}
	if k.sequence, err = strconv.ParseUint(fields[3], 10, 64); err != nil {
		return nil, fmt.Errorf("line 5: %w", err)
	}
	return k, nil
}

func (k *Keys) text() string {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s\nidentity %s\nwireguard %s\nmember %s\nsequence %d\n", keyFileHead,
		encode(k.identity.Seed()), encode(k.wireguard.Bytes()), encode(k.member[:]), k.sequence)
}

// save replaces the key file: after a crash there is the old one or the new.
func (k *Keys) save() error {
	if k.path == "" {
		return nil
	}
	if err := replaceFile(k.path, k.text()); err != nil {
		return fmt.Errorf("write key file %s: %w", k.path, err)
	}
	return nil
}

func replaceFile(path, text string) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d, openErr := os.Open(dir); openErr == nil {
		// Not every file system lets a directory be synced; the file is.
		_ = d.Sync()
		return d.Close()
	}
	return nil
}

// Identity returns who the node is.
func (k *Keys) Identity() Identity { return Identity(k.identity.Public().(ed25519.PublicKey)) }

// NodeID returns the node's name.
func (k *Keys) NodeID() protocol.NodeID { return k.Identity().NodeID() }

// IsMember tells whether the node has joined a cluster, whose member key it keeps.
func (k *Keys) IsMember() bool { return !k.member.isZero() }

// WireGuard returns the node's present WireGuard key.
func (k *Keys) WireGuard() PublicKey { return PublicKey(k.wireguard.PublicKey().Bytes()) }

// Rotate draws a new WireGuard key; the identity stays. It is for a node that
// is not running; a running one has [Tunnel.Rotate].
func (k *Keys) Rotate() error {
	old := k.wireguard
	if err := k.redraw(); err != nil {
		return err
	}
	if err := k.save(); err != nil {
		k.wireguard = old
		return err
	}
	return nil
}

func (k *Keys) redraw() error {
	var raw [32]byte
	rand.Read(raw[:])
	// Clamped as WireGuard's own tools do it, so that its text form is the
	// same everywhere.
	raw[0] &= 248
	raw[31] = raw[31]&127 | 64
	private, err := ecdh.X25519().NewPrivateKey(raw[:])
	if err != nil {
		return fmt.Errorf("draw wireguard key: %w", err)
	}
	k.wireguard = private
	return nil
}

// adopt keeps the member key that a seed handed out.
func (k *Keys) adopt(m memberKey) error {
	if k.member == m {
		return nil
	}
	k.member = m
	return k.save()
}

// sign makes the node's next contact. The sequence is in the file before the
// contact is out: it is the wall clock in milliseconds where that is ahead, so
// that a key file restored from a backup overtakes what peers have seen.
func (k *Keys) sign(endpoint netip.AddrPort, now time.Time) (Contact, error) {
	if k.sequence == math.MaxUint64 {
		return Contact{}, errors.New("sign contact: sequence numbers are used up")
	}
	before := k.sequence
	k.sequence = max(k.sequence+1, uint64(max(now.UnixMilli(), 0)))
	if err := k.save(); err != nil {
		k.sequence = before
		return Contact{}, err
	}
	c := Contact{Identity: k.Identity(), WireGuard: k.WireGuard(), Sequence: k.sequence, Endpoint: endpoint}
	c.signature = [ed25519.SignatureSize]byte(ed25519.Sign(k.identity, c.signed()))
	return c, nil
}
