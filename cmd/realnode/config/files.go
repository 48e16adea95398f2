package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// Contents says what is wrong with a secret, which the configuration or a file
// that it names holds at a key: "node.seeds" (for each ticket and contact among
// them), "wireguard.ticket_file", "wireguard.cluster_secret_file". The error must
// not repeat the secret.
type Contents func(key, text string) error

// CheckFiles looks at the files that the configuration names: that those which
// the node needs are there, and that secrets are not for everybody to read; and
// at what is in them, and among the seeds, with the eyes of somebody who
// understands that (nil: nobody does). The error is an *[Error].
func (c *Config) CheckFiles(contents Contents) error {
	d := &reading{c.doc.Fresh()}
	for _, s := range []struct {
		key, name string
		// forbidden are the permissions that nobody must have, made whether
		// the node makes the file itself.
		forbidden fs.FileMode
		made      bool
		// read says that contents are looked at.
		read bool
	}{
		{"wireguard.key_file", c.WireGuard.KeyFile, 0o077, true, false},
		{"wireguard.cluster_secret_file", c.WireGuard.ClusterSecretFile, 0o007, false, true},
		// A node that is a member needs its ticket no longer.
		{"wireguard.ticket_file", c.WireGuard.TicketFile, 0o007, true, true},
		{"admin.token_file", c.Admin.TokenFile, 0o007, false, false},
	} {
		if s.name == "" || s.key != "admin.token_file" && c.Transport.Kind != kindWireGuard {
			continue
		}
		info, err := os.Stat(c.Path(s.name))
		switch {
		case errors.Is(err, fs.ErrNotExist) && s.made:
		case err != nil:
			d.Problemf(s.key, "%v", err)
		case !info.Mode().IsRegular():
			d.Problemf(s.key, "%s is no regular file", c.Path(s.name))
		case info.Mode().Perm()&s.forbidden != 0 && runtime.GOOS != "windows":
			d.Problemf(s.key, "%s has mode %#o, want at most %#o: others may read it", c.Path(s.name), info.Mode().Perm(), 0o770&^s.forbidden)
		case s.read && contents != nil:
			d.checkContents(s.key, c.Path(s.name), info.Size(), contents)
		}
	}
	if c.Transport.Kind == kindWireGuard && contents != nil {
		d.checkSeedTokens(c.Node.Seeds, contents)
	}
	if info, err := os.Stat(c.Path(c.Node.DataDir)); c.Node.DataDir != "" && err == nil && !info.IsDir() {
		d.Problemf("node.data_dir", "%s is no directory", c.Path(c.Node.DataDir))
	}
	if path, ok := strings.CutPrefix(c.AdminListen(), unixPrefix); ok && len(path) > maxSocketPath() {
		d.Problemf("admin.listen", "the path of the socket, %s, has %d bytes, want at most %d: that is all the system takes. Say a shorter one, such as \"unix:///run/starling.sock\"", path, len(path), maxSocketPath())
	}
	return d.Err()
}

// mostSecret bounds a file that holds one secret, in bytes.
const mostSecret = 4096

func (d *reading) checkContents(key, path string, size int64, contents Contents) {
	if size > mostSecret {
		d.Problemf(key, "%s has %d bytes, want at most %d", path, size, mostSecret)
		return
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = contents(key, strings.TrimSpace(string(text)))
	}
	if err != nil {
		d.Problemf(key, "%s: %v", path, err)
	}
}

func (d *reading) checkSeedTokens(seeds []string, contents Contents) {
	for i, seed := range seeds {
		if !isToken(seed) {
			continue
		}
		if err := contents("node.seeds", seed); err != nil {
			d.Problem(fmt.Sprintf("node.seeds[%d]", i), Problem{Message: err.Error(), Secret: true})
		}
	}
}

// maxSocketPath is what sun_path holds, in bytes, beside its final zero: unix(7)
// for Linux, unix(4) for the others.
func maxSocketPath() int {
	switch runtime.GOOS {
	case "linux", "windows":
		return 107
	}
	return 103
}
