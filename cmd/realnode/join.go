package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// openTunnel opens a tunnel with the node's keys, which it makes if there are none.
func (p *parts) openTunnel(ctx context.Context, listen, advertise netip.AddrPort) error {
	o, err := p.tunnelOptions(listen, advertise)
	if err != nil {
		return err
	}
	ticket := p.ticket()
	path := p.cfg.KeyFile()
	o.Keys, err = tunnel.LoadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		if o.Secret == nil && ticket == "" {
			return p.stranger()
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("make the directory of the keys: %w", err)
		}
		if o.Keys, err = tunnel.CreateKeys(path); err == nil {
			p.log.Info("made the node's keys", "file", path, "identity", o.Keys.Identity())
		}
	}
	if err != nil {
		return err
	}
	tun, err := tunnel.New(o)
	if err != nil {
		return err
	}
	p.onClose(tun.Close)
	p.id, p.tunnel, p.network, p.listen = tun.ID(), tun, tun, tun.ListenAddr()
	if !tun.IsMember() && ticket == "" {
		return p.stranger()
	}
	return ctx.Err()
}

func (p *parts) tunnelOptions(listen, advertise netip.AddrPort) (tunnel.Options, error) {
	w := p.cfg.WireGuard
	o := tunnel.Options{
		Listen: listen, Advertise: advertise, Keepalive: w.KeepAlive.Std(),
		StreamTimeout: p.cfg.Transport.Limits.StreamTimeout.Std(), MaxPeers: p.cfg.Transport.MaxPeers, Log: p.log,
	}
	if path := p.cfg.Path(w.ClusterSecretFile); path != "" {
		secret, err := readSecret(path)
		if err != nil {
			return o, err
		}
		o.Secret = &secret
	}
	var err error
	o.Allow, err = parseAllow(w.Allow)
	return o, err
}

// readSecret reads a file with a cluster's secret.
func readSecret(path string) (tunnel.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tunnel.Secret{}, fmt.Errorf("read the cluster's secret: %w", err)
	}
	secret, err := tunnel.ParseSecret(strings.TrimSpace(string(text)))
	if err != nil {
		return tunnel.Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

// stranger says what a node lacks that nobody would talk to.
func (p *parts) stranger() error {
	return usagef(`transport wireguard at %s: this node could neither join others nor be joined, for it has
  no cluster secret: wireguard.cluster_secret_file or --secret FILE ("realnode keygen --secret FILE" makes one),
  no ticket: --join TICKET or wireguard.ticket_file ("realnode ticket" issues one), and
  no keys of a node that was a member before: %s.
Other hosts reach this address, or something of WireGuard was configured, so the transport is not plain, which
believes everybody: that needs a loopback address, or --insecure and --advertise`, p.cfg.Transport.Listen, p.cfg.KeyFile())
}

// findSeeds looks for the nodes to start from. Who holds a ticket and is no member
// has to find one; others start alone, and are found or go on looking.
func (p *parts) findSeeds(ctx context.Context) error {
	find := plainSeed
	if p.tunnel != nil {
		find = p.joinThrough
	}
	n := p.cfg.Node
	p.seeds = newSeeds(p.id, n.SeedRetry.Std(), p.log, find)
	p.extraSeed = p.ticket()
	if err := p.setSeeds(n.Seeds); err != nil {
		return err
	}
	err := p.seeds.begin(ctx, n.SeedPatience.Std())
	if err == nil || ctx.Err() != nil || p.tunnel != nil && !p.tunnel.IsMember() {
		return err
	}
	p.log.Warn("no seed was found; the node starts alone and goes on looking", "after", n.SeedPatience)
	return nil
}

// setSeeds replaces the nodes to start from. The one of the ticket that the node
// was given stays among them.
func (p *parts) setSeeds(texts []string) error {
	texts = slices.Clone(texts)
	if t := p.extraSeed; t != "" && !slices.Contains(texts, t) {
		texts = append(texts, t)
	}
	return p.seeds.set(texts)
}

// present returns what tells whether a node is there, as far as the protocols
// know: whether it is a live member, or, if none of them keeps a list, whether
// there is any link at all.
func (p *parts) present(ctx context.Context) (func(protocol.NodeID) bool, error) {
	var here func(protocol.NodeID) bool
	err := p.node.Inspect(ctx, func(layers []protocol.Protocol) {
		if t, _, ok := find[hasTable](p.specs, layers); ok {
			table := t.Table() // immutable
			here = func(id protocol.NodeID) bool {
				m, ok := table.Get(id)
				return ok && membertable.SetOf(membertable.Alive, membertable.Suspect).Has(m.Status)
			}
			return
		}
		o, _, ok := find[hasNeighbors](p.specs, layers)
		linked := !ok || len(o.Neighbors()) > 0
		here = func(protocol.NodeID) bool { return linked }
	})
	return here, err
}

// ticket is the one that the node was given, empty if it has none or needs none
// any more.
func (p *parts) ticket() string {
	if p.tunnel != nil && p.tunnel.IsMember() {
		return ""
	}
	for _, seed := range p.cfg.Node.Seeds {
		if strings.HasPrefix(seed, tunnel.TicketPrefix) && !strings.HasPrefix(seed, tunnel.ContactPrefix) {
			return seed
		}
	}
	path := p.cfg.Path(p.cfg.WireGuard.TicketFile)
	if path == "" {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // a member that was restarted needs it no longer
	}
	return strings.TrimSpace(string(text))
}

func (p *parts) joinThrough(ctx context.Context, text string) (protocol.Peer, error) {
	switch {
	case strings.HasPrefix(text, tunnel.ContactPrefix):
		c, err := tunnel.ParseContact(text)
		if err != nil {
			return protocol.Peer{}, err
		}
		return p.introduce(c)
	case strings.HasPrefix(text, tunnel.TicketPrefix) && !strings.Contains(text, ":"):
		t, err := tunnel.ParseTicket(text)
		if err != nil {
			return protocol.Peer{}, err
		}
		if p.tunnel.IsMember() {
			return p.introduce(t.Seed) // the ticket has done what it was for, and may have expired
		}
		return p.tunnel.Join(ctx, t)
	}
	at, err := resolve(ctx, text)
	if err != nil {
		return protocol.Peer{}, fmt.Errorf("seed %q: %w", text, err)
	}
	return p.tunnel.JoinAt(ctx, at)
}

// introduce makes a seed of a contact. Whoever shares the cluster's keys can be
// talked to from there.
func (p *parts) introduce(c tunnel.Contact) (protocol.Peer, error) {
	raw := c.Append(nil)
	return protocol.Peer{ID: c.NodeID(), Contact: raw}, p.tunnel.Introduce(c.NodeID(), raw)
}
