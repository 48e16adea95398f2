package main

import (
	"context"
	"fmt"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol/stack"
)

// reloadable lists the keys that take effect at SIGHUP.
func reloadable() []string {
	registry, err := stack.Default()
	if err != nil {
		return nil // no command gets further than this
	}
	var keys []string
	for _, k := range config.Keys(registry) {
		if k.Reload {
			keys = append(keys, k.Path)
		}
	}
	return keys
}

// reloads reads the configuration again at SIGHUP.
func (r *running) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.hup:
			r.reload()
		}
	}
}

// reload puts into force what the configuration says now, as far as that is
// possible while the node runs, and names what else has changed. The configuration
// in force stays the one of the start, but for the keys that were put into force,
// so that what waits is named again.
func (r *running) reload() {
	fresh, err := r.flags.load(r.args)
	if err == nil {
		err = r.flags.checkFiles(fresh, r.args)
	}
	if err != nil {
		r.log.Error("the configuration is wrong now; nothing was changed", "error", err)
		return
	}
	changes := config.Diff(r.cfg, fresh)
	otherKind := fresh.Transport.Kind != r.cfg.Transport.Kind
	force := r.inForce()
	for _, c := range changes {
		put := force[c.Key]
		if c.Restart || put.ofTransport && otherKind {
			r.log.Warn("configuration changed; this takes effect at the next start", "key", c.Key, "old", c.Old, "new", c.New)
			continue
		}
		if err := r.putInForce(c.Key, put, fresh); err != nil {
			r.log.Error("configuration changed; this could not be put into force", "key", c.Key, "error", err)
			continue
		}
		r.log.Info("configuration changed", "key", c.Key, "old", c.Old, "new", c.New)
	}
	r.log.Info("configuration read again", "changes", len(changes), "log_level", r.cfg.Node.LogLevel)
}

// force is how a key is put into force.
type force struct {
	put func(fresh *config.Config) error
	// ofTransport: its values mean something for a kind of transport only.
	ofTransport bool
}

// inForce has an entry for each key that is reloadable.
func (r *running) inForce() map[string]force {
	rate := func(fresh *config.Config) error {
		l := fresh.Transport.Limits
		return r.transport.SetDatagramRate(perSecond(l.DatagramRate), l.DatagramBurst)
	}
	return map[string]force{
		"node.log_level":                  {put: func(fresh *config.Config) error { setLevel(&r.level, fresh); return nil }},
		"node.seeds":                      {put: func(fresh *config.Config) error { return r.setSeeds(fresh.Node.Seeds) }, ofTransport: true},
		"transport.limits.datagram_rate":  {put: rate},
		"transport.limits.datagram_burst": {put: rate},
		"wireguard.allow":                 {put: r.setAllow, ofTransport: true},
	}
}

func (r *running) putInForce(key string, f force, fresh *config.Config) error {
	if f.put == nil {
		return fmt.Errorf("nothing is known about %s", key)
	}
	if err := f.put(fresh); err != nil {
		return err
	}
	return r.cfg.Adopt(key, fresh)
}

// setAllow replaces the list of who may be a peer, and cuts off who is on it no
// longer.
func (r *running) setAllow(fresh *config.Config) error {
	if r.tunnel == nil {
		return nil // plain transport believes everybody
	}
	allow, err := parseAllow(fresh.WireGuard.Allow)
	if err != nil {
		return err
	}
	for _, id := range r.tunnel.SetAllow(allow) {
		r.transport.Disconnect(id)
		r.log.Info("cut off: not on the list of wireguard.allow any more", "node", id)
	}
	return nil
}

// parseAllow reads wireguard.allow.
func parseAllow(texts []string) ([]tunnel.Identity, error) {
	var allow []tunnel.Identity
	for _, text := range texts {
		id, err := tunnel.ParseIdentity(text)
		if err != nil {
			return nil, fmt.Errorf("wireguard.allow: %w", err)
		}
		allow = append(allow, id)
	}
	return allow, nil
}
