package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol/stack"
)

// What is wrong with a ticket is said with file, line and key, and without the
// ticket.
func TestTicketsAreChecked(t *testing.T) {
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	secret, other := tunnel.NewSecret(), tunnel.NewSecret()
	keys, err := tunnel.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	seed := keys.Contact(netip.MustParseAddrPort("192.0.2.1:7946"))
	now := time.Now()
	issue := func(s tunnel.Secret, valid time.Duration) string {
		ticket, err := tunnel.NewTicket(s, seed, now.Add(valid))
		if err != nil {
			t.Fatal(err)
		}
		return ticket.Text()
	}
	good, expired := issue(secret, time.Hour), issue(secret, time.Nanosecond)
	mistyped := good[:50] + "A" + good[51:]
	if mistyped == good {
		mistyped = good[:50] + "B" + good[51:]
	}

	for _, test := range []struct {
		name, seed, file string
		secret           *tunnel.Secret
		want             string // in the message, empty for none
	}{
		{"good", good, good, nil, ""},
		{"of this cluster", good, good, &secret, ""},
		{"of another", good, "", &other, "node.toml:6:1: node.seeds[1]: this ticket was not issued with the secret of wireguard.cluster_secret_file"},
		{"of another in a file", "", good, &other, "node.toml:12:1: wireguard.ticket_file: $DIR/ticket: this ticket was not issued with the secret"},
		{"expired", expired, "", nil, "node.toml:6:1: node.seeds[1]: this ticket expired on "},
		{"expired in a file", "", expired, nil, "node.toml:12:1: wireguard.ticket_file: $DIR/ticket: this ticket expired on "},
		{"expired, of a member", expired, expired, &secret, ""},
		{"mistyped", mistyped, "", nil, "node.toml:6:1: node.seeds[1]: parse ticket: checksum does not fit"},
		{"mistyped in a file", "", mistyped, nil, "node.toml:12:1: wireguard.ticket_file: $DIR/ticket: parse ticket: checksum does not fit"},
		{"no ticket in a file", "", "hello", nil, "wireguard.ticket_file: $DIR/ticket: parse ticket: want a text that begins with \"starling1\""},
		{"not a ticket at all", "", strings.Repeat("x", 5000), nil, "wireguard.ticket_file: $DIR/ticket has 5001 bytes"},
		{"a contact", seed.String(), "", nil, ""},
		{"a contact that was mistyped", seed.String()[:60] + "_" + seed.String()[61:], "", nil, "node.seeds[1]: parse contact: checksum does not fit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			seeds, files := "", ""
			if test.seed != "" {
				seeds = fmt.Sprintf("%q", test.seed)
			}
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.file != "" {
				write("ticket", test.file)
				files = "ticket_file = \"ticket\""
			}
			if test.secret != nil {
				write("secret", test.secret.Text())
				files += "\ncluster_secret_file = \"secret\""
			}
			source := "[node]\ndata_dir = \"data\"\nseeds = [\n\"192.0.2.9:1\",\n\n" + seeds + "\n]\n[transport]\nkind = \"wireguard\"\nlisten = \"0.0.0.0:7946\"\n[wireguard]\n" + files + "\n"
			cfg, err := config.Parse(filepath.Join(dir, "node.toml"), []byte(source), config.Environment{Registry: registry})
			if err != nil {
				t.Fatal(err)
			}
			err = cfg.CheckFiles(contents(cfg, now.Add(time.Minute)))
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got no error, want %q", test.want)
			}
			text := strings.ReplaceAll(err.Error(), dir+"/node.toml", "node.toml")
			if want := strings.ReplaceAll(test.want, "$DIR", dir); !strings.Contains(text, want) {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
			for _, ticket := range []string{test.seed, test.file} {
				if len(ticket) > 20 && strings.Contains(text, ticket[15:40]) {
					t.Errorf("the ticket is in the message:\n%s", text)
				}
			}
		})
	}
}
