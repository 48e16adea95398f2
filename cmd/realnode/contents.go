package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
)

// contents looks at the secrets that a configuration names: whether they are what
// they should be, and whether the node could join with its tickets. It knows of no
// other clusters than that of the secret, if there is one; otherwise whose a ticket
// is only the seed can tell.
func contents(cfg *config.Config, now time.Time) config.Contents {
	var secret *tunnel.Secret
	if path := cfg.Path(cfg.WireGuard.ClusterSecretFile); path != "" {
		if s, err := readSecret(path); err == nil {
			secret = &s
		}
	}
	member := secret != nil
	if keys, err := tunnel.LoadKeys(cfg.KeyFile()); err == nil && keys.IsMember() {
		member = true
	}
	return func(key, text string) error {
		switch {
		case key == "wireguard.cluster_secret_file":
			_, err := tunnel.ParseSecret(text)
			return err
		case strings.HasPrefix(text, tunnel.ContactPrefix):
			_, err := tunnel.ParseContact(text)
			return err
		}
		t, err := tunnel.ParseTicket(text)
		switch {
		case err != nil:
			return err
		case secret != nil && !t.Of(*secret):
			return errors.New("this ticket was not issued with the secret of wireguard.cluster_secret_file: it is for another cluster")
		case !member && !now.Before(t.Expires):
			// A member is let in without.
			return fmt.Errorf("this ticket expired on %s, and it is %s: have another issued", t.Expires.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
		return nil
	}
}
