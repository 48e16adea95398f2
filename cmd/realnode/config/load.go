package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
)

// Environment is what a configuration is read in.
type Environment struct {
	// Registry holds the protocols that a stack can name.
	Registry *stack.Registry
	// Variables override keys: "NAME=value", as os.Environ returns them. Those
	// that do not begin with STARLING_ are not looked at.
	Variables []string
	// Foreign names variables that begin like this and are somebody else's.
	Foreign []string
	// Set overrides keys once more, for a command line.
	Set []Assignment
}

// Assignment is a key, such as "transport.listen", with a value, as text.
type Assignment struct{ Key, Value string }

// Load reads and checks a configuration file. The error is an *[Error] if the
// configuration is wrong.
func Load(path string, env Environment) (*Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, source, env)
}

// Parse reads and checks a configuration. File says where it is from, for
// messages and for the files that it names. The error is an *[Error].
func Parse(file string, source []byte, env Environment) (*Config, error) {
	return read(file, document.Read(file, source), env)
}

// Default returns the configuration that an empty file has.
func Default(r *stack.Registry) (*Config, error) {
	return Parse("", nil, Environment{Registry: r})
}

func read(file string, doc *document.Document, env Environment) (*Config, error) {
	d := &reading{doc}
	c := &Config{registry: env.Registry, file: file, doc: doc, Content: defaults()}
	if d.Tree != nil {
		d.override(env)
		d.Decode(d.Tree, &c.Content, "")
		d.fill(c)
		d.check(c)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// reading is one document on its way to a Config.
type reading struct{ *document.Document }

// Check returns what is wrong with a configuration that was changed since it was
// read, as an *[Error] whose problems have keys and no places.
func (c *Config) Check() error {
	text, err := c.Filled()
	if err != nil {
		return err
	}
	_, err = read(c.file, document.Derived(text), Environment{Registry: c.registry})
	return err
}

// Filled returns the configuration as TOML, with every default. Reading that
// gives the same configuration. It holds what secrets the file held.
func (c *Config) Filled() ([]byte, error) {
	text, err := document.Marshal(c.Content, c.doc.Tree)
	if err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return text, nil
}

// NewStack returns the stack of the node, configured.
func (c *Config) NewStack() (*stack.Stack, error) {
	return document.NewStack(c.registry, c.Stack, c.Protocol)
}

// Path resolves the name of a file in the configuration: relative ones are
// beside the configuration file. The empty name stays empty.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.file), name)
}

// ListenAddr returns transport.listen; the unspecified IPv6 address stands for all
// addresses, those of IPv4 included. There is no error in a configuration that
// was checked.
func (c *Config) ListenAddr() (netip.AddrPort, error) {
	at, err := parseListen(c.Transport.Listen)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("transport.listen: %w", err)
	}
	return at, nil
}

// AdvertiseAddr returns transport.advertise; not valid if there is none. Port 0
// stands for the port that is listened on. There is no error in a configuration
// that was checked.
func (c *Config) AdvertiseAddr() (netip.AddrPort, error) {
	if c.Transport.Advertise == "" {
		return netip.AddrPort{}, nil
	}
	if err := checkAdvertise(c.Transport.Advertise); err != nil {
		return netip.AddrPort{}, fmt.Errorf("transport.advertise: %w", err)
	}
	return netip.ParseAddrPort(c.Transport.Advertise)
}

// KeyFile returns wireguard.key_file, resolved.
func (c *Config) KeyFile() string { return c.Path(c.WireGuard.KeyFile) }

// AdminListen returns admin.listen with the path of a socket resolved; empty if
// the interface is off.
func (c *Config) AdminListen() string {
	if c.Admin.Listen == adminOff {
		return ""
	}
	if path, ok := strings.CutPrefix(c.Admin.Listen, unixPrefix); ok {
		return unixPrefix + c.Path(path)
	}
	return c.Admin.Listen
}
