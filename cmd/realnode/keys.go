package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
)

func newKeygenCommand(a *app) *cobra.Command {
	var secret bool
	c := &cobra.Command{
		Use: "keygen FILE", Short: "Make a node's keys, or a cluster's secret",
		Long: `Make a node's keys (Ed25519 identity, WireGuard key pair) in a file that only its
owner can read, and print the identity. With --secret, make a cluster's secret:
who holds it can join, and issue tickets to others. A file that is there is never
overwritten.`,
		Example: "  realnode keygen node.key\n  realnode keygen --secret cluster.secret",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if secret {
				return writeSecret(args[0])
			}
			keys, err := tunnel.CreateKeys(args[0])
			if errors.Is(err, fs.ErrExist) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "node      %s\nidentity  %s\n", keys.NodeID(), keys.Identity())
			return err
		},
	}
	c.Flags().BoolVar(&secret, "secret", false, "make a cluster's secret")
	return c
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("got %d arguments, want one: a file", len(args))
	}
	return nil
}

func writeSecret(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("write the cluster's secret: %w", err)
	}
	_, err = fmt.Fprintln(f, tunnel.NewSecret().Text())
	return errors.Join(err, f.Sync(), f.Close())
}

func newTicketCommand(a *app) *cobra.Command {
	var keyFile, secretFile, endpoint string
	var valid time.Duration
	c := &cobra.Command{
		Use: "ticket", Short: "Issue a ticket with which a node can join",
		Long: `Issue a ticket with which a node can join the cluster through a seed. It holds the
seed's public key and address and a secret of its own, which the seed accepts until
the ticket expires. Whoever reads it can join: hand it on like a password.`,
		Example: "  realnode ticket --key seed.key --secret cluster.secret --endpoint 192.0.2.7:7946 --valid 1h",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			keys, err := tunnel.LoadKeys(keyFile)
			if err != nil {
				return usageError{err}
			}
			secret, err := readSecret(secretFile)
			if err != nil {
				return usageError{err}
			}
			at, err := netip.ParseAddrPort(endpoint)
			if err != nil {
				return usagef("--endpoint %q: want the seed's address and port, such as 192.0.2.7:7946", endpoint)
			}
			if valid <= 0 {
				return usagef("--valid: got %v, want more than 0", valid)
			}
			t, err := tunnel.NewTicket(secret, keys.Contact(at), time.Now().Add(valid))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, t.Text())
			return err
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "the seed's `file` of keys")
	c.Flags().StringVar(&secretFile, "secret", "", "the `file` with the cluster's secret")
	c.Flags().StringVar(&endpoint, "endpoint", "", "`address:port` at which the seed is reached")
	c.Flags().DurationVar(&valid, "valid", 24*time.Hour, "for how long")
	for _, name := range []string{"key", "secret", "endpoint"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}
