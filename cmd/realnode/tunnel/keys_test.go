package tunnel

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func TestAKeyFileKeepsTheNode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k, err := CreateKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateKeys(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwrites a key file: %v", err)
	}
	if err := k.adopt(memberKey{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	first := mustSign(t, k, netip.AddrPort{})
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.text() != k.text() || loaded.NodeID() != first.NodeID() || loaded.WireGuard() == first.WireGuard {
		t.Errorf("wrote\n%s, read\n%s", k.text(), loaded.text())
	}
	// A clock that went back does not make the next contact an old one.
	next, err := loaded.sign(netip.AddrPort{}, time.Now().Add(-time.Hour))
	if err != nil || next.Sequence <= first.Sequence {
		t.Errorf("sequence %d follows %d: %v", next.Sequence, first.Sequence, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAKeyFileIsItsOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := CreateKeys(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(path); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("reads a key file that others may read: %v", err)
	}
}

func TestAKeyFileThatCannotBeWrittenStopsARotation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	k, err := CreateKeys(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	before := k.text()
	if k.Rotate() == nil {
		t.Error("rotated a key that it could not keep")
	}
	if _, err := k.sign(netip.AddrPort{}, time.Now()); err == nil {
		t.Error("signed with a sequence that it could not keep")
	}
	if k.text() != before {
		t.Error("keys changed in memory only")
	}
}

func TestOverlayAddressesNameTheirNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := protocol.NodeID(rapid.Uint64Min(1).Draw(t, "id"))
		if got, ok := overlayID(OverlayAddr(id)); !ok || got != id {
			t.Fatalf("got %v, %v", got, ok)
		}
	})
	for _, no := range []string{"fd73:7461:726c:696e::", "fd73:7461:726c:696f::1", "192.0.2.1", "::ffff:192.0.2.1", "fd73:7461:726c:696e::1%eth0"} {
		if _, ok := overlayID(netip.MustParseAddr(no)); ok {
			t.Errorf("%s names a node", no)
		}
	}
}

// The derivation of a NodeID is for ever: stores and peers know nodes by it.
func TestNodeIDsDoNotChange(t *testing.T) {
	var i Identity
	for n := range i {
		i[n] = byte(n)
	}
	if got := i.NodeID().String(); got != "eed4a0187bee2a30" {
		t.Errorf("got %s", got)
	}
	if back, err := ParseIdentity(i.String()); err != nil || back != i {
		t.Errorf("got %v, %v", back, err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s := NewSecret()
	back, err := ParseSecret(s.Text())
	if err != nil || back != s {
		t.Errorf("got %v, %v", back, err)
	}
	if strings.Contains(s.String()+s.GoString(), s.Text()[:8]) {
		t.Error("printing a secret gives it away")
	}
	for _, bad := range []string{"", "hunter2", s.Text() + "\n", s.Text()[:43]} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("takes %q", bad)
		}
	}
	if s.member() == NewSecret().member() || s.ticketKey(1, 2) == s.ticketKey(2, 1) {
		t.Error("keys do not depend on what they are derived from")
	}
}
