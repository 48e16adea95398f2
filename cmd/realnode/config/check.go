package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
)

// check notes all that is wrong with a configuration that could be decoded, as
// far as it is not a consequence of what is known to be wrong.
func (d *reading) check(c *Config) {
	d.CheckTags(&c.Content, d.Tree)
	d.checkNode(c)
	d.checkTransport(c)
	d.checkLimits(c)
	d.checkWireGuard(c)
	d.checkAdmin(c)
	d.checkObserve(c)
	d.CheckStack(c.registry, c.Stack, c.Protocol, nil)
}

func (d *reading) checkNode(c *Config) {
	if id := c.Node.ID; id != "" {
		switch parsed, err := protocol.ParseNodeID(id); {
		case c.Transport.Kind == kindWireGuard:
			d.Problemf("node.id", "got an identity, but with wireguard the keys are the identity")
		case err != nil:
			d.Problemf("node.id", "got %q, want 16 hexadecimal digits", id)
		case parsed == 0:
			d.Problemf("node.id", "got zero, which names nobody")
		}
	}
	if c.Node.MaxMemory < 0 || c.Node.MaxMemory != 0 && c.Node.MaxMemory < leastMemory {
		d.Problemf("node.max_memory", "got %s, want at least %s", c.Node.MaxMemory, quantity.Size(leastMemory))
	}
	if c.Node.LeaveTimeout.Std() > time.Hour {
		d.Problemf("node.leave_timeout", "got %s, want at most 1h", c.Node.LeaveTimeout)
	}
	for _, x := range []struct {
		key   string
		d     quantity.Duration
		least time.Duration
	}{
		{"node.seed_patience", c.Node.SeedPatience, 0}, {"node.seed_retry", c.Node.SeedRetry, 10 * time.Millisecond},
	} {
		if x.d.Std() < x.least || x.d.Std() > time.Hour {
			d.Problemf(x.key, "got %s, want %s to 1h", x.d, quantity.Duration(x.least))
		}
	}
	for i, seed := range c.Node.Seeds {
		d.checkSeed(c, fmt.Sprintf("node.seeds[%d]", i), seed, slices.Contains(c.Node.Seeds[:i], seed))
	}
}

// leastMemory is what a node needs to do more than collect garbage.
const leastMemory = 32 << 20

// checkSeed never has the line shown: it may hold a ticket.
func (d *reading) checkSeed(c *Config, path, seed string, twice bool) {
	at := seed
	name, rest, named := strings.Cut(seed, "@")
	if named && c.Transport.Kind == kindPlain {
		at = rest
	}
	err := checkHostPort(at)
	if id, wrong := protocol.ParseNodeID(name); at != seed && err == nil && (wrong != nil || id == 0) {
		err = fmt.Errorf("got identity %q, want 16 hexadecimal digits", name)
	}
	if isToken(seed) {
		if err = checkToken(seed); err == nil && c.Transport.Kind == kindPlain {
			err = errors.New("got a ticket or contact, which only wireguard can use; want host:port")
		}
	}
	if err == nil && twice {
		err = errors.New("is there a second time")
	}
	if err != nil {
		d.Problem(path, Problem{Message: err.Error(), Secret: slices.ContainsFunc(c.Node.Seeds, isToken)})
	}
}

func (d *reading) checkTransport(c *Config) {
	t := c.Transport
	listen, err := parseListen(t.Listen)
	if err != nil {
		d.Problemf("transport.listen", "%v", err)
		return
	}
	if t.Kind == kindPlain && !listen.Addr().IsLoopback() && !t.Insecure {
		d.Problemf("transport.listen", "got %s, where other hosts reach a transport that believes every sender; want a loopback address, kind = \"wireguard\", or insecure = true", t.Listen)
	}
	if t.Advertise != "" {
		if err := checkAdvertise(t.Advertise); err != nil {
			d.Problemf("transport.advertise", "%v", err)
		}
	} else if t.Kind == kindPlain && listen.Addr().IsUnspecified() {
		d.Problemf("transport.advertise", "missing: a node that listens on all addresses has to be told which one others reach")
	}
}

func (d *reading) checkLimits(c *Config) {
	const path = "transport.limits."
	l := c.Transport.Limits
	if l.DatagramRate.Interval() <= 0 {
		d.Problemf(path+"datagram_rate", "got %s, want more", l.DatagramRate)
	}
	if l.StreamRate < leastStreamRate {
		d.Problemf(path+"stream_rate", "got %s, want at least %s", l.StreamRate, quantity.Bandwidth(leastStreamRate))
	}
	for _, x := range []struct {
		key string
		d   quantity.Duration
	}{
		{"handshake_timeout", l.HandshakeTimeout}, {"stream_timeout", l.StreamTimeout}, {"stream_idle", l.StreamIdle},
	} {
		if x.d <= 0 || x.d.Std() > 24*time.Hour {
			d.Problemf(path+x.key, "got %s, want more than 0s and at most 24h", x.d)
		}
	}
	for _, x := range []struct {
		key   string
		size  quantity.Size
		least quantity.Size
	}{
		{"queued_per_peer", l.QueuedPerPeer, protocol.MaxStreamMessage},
		{"queued", l.Queued, l.QueuedPerPeer},
		{"reading", l.Reading, protocol.MaxStreamMessage},
		{"inbox_datagram_bytes", l.InboxDatagramBytes, 64 << 10},
		{"inbox_frame_bytes", l.InboxFrameBytes, 64 << 10},
	} {
		if x.size < x.least || x.size > maxQueue {
			d.Problemf(path+x.key, "got %s, want %s to %s", x.size, x.least, quantity.Size(maxQueue))
		}
	}
}

// leastStreamRate is a byte a second, in bits.
const leastStreamRate = 8

// maxQueue is what an int holds everywhere.
const maxQueue = 1 << 30

func (d *reading) checkWireGuard(c *Config) {
	w := c.WireGuard
	if c.Transport.Kind == kindWireGuard && w.KeyFile == "" && !d.Wrong("node.data_dir") {
		d.Problemf("wireguard.key_file", "missing: there is no node.data_dir to keep the keys in")
	}
	if w.KeepAlive.Std() > 65535*time.Second {
		d.Problemf("wireguard.keep_alive", "got %s, want at most 65535s", w.KeepAlive)
	}
	for i, identity := range w.Allow {
		path := fmt.Sprintf("wireguard.allow[%d]", i)
		raw, err := base64.StdEncoding.Strict().DecodeString(identity)
		if err != nil || len(raw) != 32 {
			d.Problemf(path, "got %q, want an identity: 44 characters of base64, as realnode keygen prints them", identity)
		} else if slices.Contains(w.Allow[:i], identity) {
			d.Problemf(path, "is there a second time")
		}
	}
}

func (d *reading) checkAdmin(c *Config) {
	a := c.Admin
	if c.Lab.World != "" && !c.Lab.Enabled {
		d.Problemf("lab.world", "got a world, but lab.enabled is false")
	}
	if a.Listen == adminOff {
		if c.Lab.Enabled {
			d.Problemf("lab.enabled", "got true, but faults come through the admin interface, which is off")
		}
		if c.Observe.Pprof {
			d.Problemf("observe.pprof", "got true, but profiles are on the admin interface, which is off")
		}
		return
	}
	if path, ok := strings.CutPrefix(a.Listen, unixPrefix); ok {
		if path == "" || strings.HasSuffix(path, "/") {
			d.Problemf("admin.listen", "got %q, want the path of a socket, such as \"unix:///run/starling/admin.sock\"", a.Listen)
		}
		return
	}
	listen, err := parseListen(a.Listen)
	switch {
	case err != nil:
		d.Problemf("admin.listen", "got %q, want \"unix:///path/of/a/socket\", host:port on loopback, or \"off\"", a.Listen)
	case !listen.Addr().IsLoopback():
		d.Problemf("admin.listen", "got %s, where other hosts reach it; want a loopback address or a unix socket", a.Listen)
	case a.TokenFile == "":
		d.Problemf("admin.token_file", "missing: on TCP clients have to know a token")
	}
}

func (d *reading) checkObserve(c *Config) {
	o := c.Observe
	if o.Listen != "" {
		listen, err := parseListen(o.Listen)
		switch {
		case err != nil:
			d.Problemf("observe.listen", "%v", err)
		case o.Listen == c.Admin.Listen:
			d.Problemf("observe.listen", "got %s, where the admin interface is; leave it out to have both there", o.Listen)
		case listen.Port() != 0 && o.Listen == c.Transport.Listen && c.Transport.Kind == kindPlain:
			d.Problemf("observe.listen", "got %s, where the transport listens", o.Listen)
		}
	}
	if o.OTLPEndpoint != "" {
		u, err := url.Parse(o.OTLPEndpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			d.Problemf("observe.otlp_endpoint", "got %q, want a URL such as \"http://127.0.0.1:4318\"", o.OTLPEndpoint)
		} else if u.User != nil {
			d.Problem("observe.otlp_endpoint", Problem{Message: "holds a password, which would end up in logs", Secret: true})
		}
	}
}
