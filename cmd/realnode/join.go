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
	"time"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
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
	for _, text := range w.Allow {
		id, err := tunnel.ParseIdentity(text)
		if err != nil {
			return o, fmt.Errorf("wireguard.allow: %w", err)
		}
		o.Allow = append(o.Allow, id)
	}
	return o, nil
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

// seeds are the nodes to start from, this one left out.
func (p *parts) seeds(ctx context.Context) ([]protocol.Peer, error) {
	if p.tunnel != nil {
		return p.tunnelSeeds(ctx)
	}
	var seeds []protocol.Peer
	var errs []error
	for _, text := range p.cfg.Node.Seeds {
		s, err := plainSeed(ctx, text)
		if err != nil {
			errs = append(errs, err)
		} else if s.ID != p.id {
			seeds = append(seeds, s)
		}
	}
	err := errors.Join(errs...)
	if err != nil && len(errs) < len(p.cfg.Node.Seeds) {
		p.log.Warn("a seed was not found; the node starts without it", "error", err)
		err = nil
	}
	return seeds, err
}

const (
	// joinPatience is how long seeds are waited for.
	joinPatience = 20 * time.Second
	// othersPatience is how long the others are waited for when one has answered.
	othersPatience = 2 * time.Second
)

// tunnelSeeds are the seeds of a node in a tunnel. They have to be talked to: it
// takes a proof to be let in. A member that is not a seed itself goes on until one
// of them answers, for it would be alone otherwise and never find the others.
func (p *parts) tunnelSeeds(ctx context.Context) ([]protocol.Peer, error) {
	texts := slices.Clone(p.cfg.Node.Seeds)
	if t := p.ticket(); t != "" && !slices.Contains(texts, t) {
		texts = append(texts, t)
	}
	for {
		seeds, err := p.askSeeds(ctx, texts)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && len(seeds) == 0 && !p.tunnel.IsMember():
			return nil, err
		case len(seeds) > 0 || len(texts) == 0:
			if err != nil {
				p.log.Warn("not all seeds answered; the node starts without those", "error", err)
			}
			return slices.DeleteFunc(seeds, func(s protocol.Peer) bool { return s.ID == p.id }), nil
		}
		p.log.Warn("no seed answers; trying again", "error", err)
	}
}

// askSeeds talks to all seeds at once. A seed that is this node itself is among
// those that answered.
func (p *parts) askSeeds(ctx context.Context, texts []string) ([]protocol.Peer, error) {
	type answer struct {
		peer protocol.Peer
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	answers := make(chan answer, len(texts))
	for _, text := range texts {
		go func() {
			s, err := p.joinThrough(ctx, text)
			answers <- answer{s, err}
		}()
	}
	var seeds []protocol.Peer
	var errs []error
	for range texts {
		a := <-answers
		switch {
		case a.err != nil:
			errs = append(errs, a.err)
			continue
		case a.peer.ID != p.id:
			defer time.AfterFunc(othersPatience, cancel).Stop()
		}
		if !slices.ContainsFunc(seeds, func(s protocol.Peer) bool { return s.ID == a.peer.ID }) {
			seeds = append(seeds, a.peer)
		}
	}
	return seeds, errors.Join(errs...)
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
