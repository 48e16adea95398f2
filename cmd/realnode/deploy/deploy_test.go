// Package deploy_test holds the files with which nodes are deployed against each
// other and against the configurations that they run.
package deploy_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/protocol/stack"
)

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func environment(t *testing.T, variables ...string) config.Environment {
	t.Helper()
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	return config.Environment{Registry: registry, Variables: variables}
}

func mustLoad(t *testing.T, file string, variables ...string) *config.Config {
	t.Helper()
	c, err := config.Load(file, environment(t, variables...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExampleRunsOnLoopback(t *testing.T) {
	c := mustLoad(t, "example.toml")
	listen, err := c.ListenAddr()
	if err != nil {
		t.Fatal(err)
	}
	if c.Transport.Kind != "plain" || c.Transport.Insecure || !listen.Addr().IsLoopback() {
		t.Errorf("got %s on %s, insecure %t", c.Transport.Kind, c.Transport.Listen, c.Transport.Insecure)
	}
	if c.AdminListen() == "" {
		t.Error("a newcomer wants the admin interface")
	}
}

// The second node of the example is configured as its comment says.
func TestExampleOfASecondNode(t *testing.T) {
	var variables []string
	for line := range strings.Lines(mustRead(t, "example.toml")) {
		for _, word := range strings.Fields(strings.TrimPrefix(line, "#")) {
			if strings.HasPrefix(word, "STARLING_") {
				variables = append(variables, word)
			}
		}
	}
	first, second := mustLoad(t, "example.toml"), mustLoad(t, "example.toml", variables...)
	if len(variables) != 3 || first.Node.DataDir == second.Node.DataDir || first.Transport.Listen == second.Transport.Listen {
		t.Fatalf("got %q, want variables that give the second node a place of its own", variables)
	}
	if !slices.Equal(second.Node.Seeds, []string{first.Transport.Listen}) {
		t.Errorf("got seeds %q, want the first node", second.Node.Seeds)
	}
}

// directive is a line of a unit file.
type directive struct{ section, key, value string }

func unit(t *testing.T, file string) []directive {
	t.Helper()
	var all []directive
	section := ""
	for i, line := range strings.Split(mustRead(t, file), "\n") {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		case !ok || section == "" || strings.ContainsAny(key, " \t"):
			t.Fatalf("%s:%d: got %q, want KEY=VALUE in a section", file, i+1, line)
		default:
			all = append(all, directive{section, key, value})
		}
	}
	return all
}

func TestUnit(t *testing.T) {
	all := unit(t, "starling.service")
	seen := map[string]string{}
	for _, d := range all {
		if !slices.Contains([]string{"Unit", "Service", "Install"}, d.section) {
			t.Errorf("%s=: got section %q", d.key, d.section)
		}
		if _, twice := seen[d.key]; twice && d.key != "SystemCallFilter" {
			t.Errorf("%s= stands twice", d.key)
		}
		seen[d.key] = d.value
	}
	for key, want := range map[string]string{
		"ExecStart":    "/usr/bin/realnode run /etc/starling/node.toml",
		"ExecStartPre": "/usr/bin/realnode check /etc/starling/node.toml",
		"KillSignal":   "SIGTERM", "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
		"CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "WantedBy": "multi-user.target",
	} {
		if got, ok := seen[key]; !ok || got != want {
			t.Errorf("%s: got %q (there: %t), want %q", key, got, ok, want)
		}
	}
	if !strings.Contains(seen["ExecReload"], "-HUP $MAINPID") {
		t.Errorf("got ExecReload=%s, want SIGHUP", seen["ExecReload"])
	}
}

// The configuration that the unit is made for has its files where the unit
// puts them, and says goodbye before it is killed.
func TestUnitFitsItsConfiguration(t *testing.T) {
	c := mustLoad(t, "wireguard.toml")
	value := map[string]string{}
	for _, d := range unit(t, "starling.service") {
		value[d.key] = d.value
	}
	if want := path.Join("/var/lib", value["StateDirectory"]); c.Node.DataDir != want {
		t.Errorf("got data_dir %s, want %s", c.Node.DataDir, want)
	}
	if want := path.Join("/run", value["RuntimeDirectory"]); path.Dir(strings.TrimPrefix(c.Admin.Listen, "unix://")) != want {
		t.Errorf("got admin socket %s, want it in %s", c.Admin.Listen, want)
	}
	name, _, _ := strings.Cut(value["LoadCredential"], ":")
	if want := path.Join("/run/credentials/starling.service", name); c.WireGuard.ClusterSecretFile != want {
		t.Errorf("got cluster secret %s, want %s", c.WireGuard.ClusterSecretFile, want)
	}
	stop, err := time.ParseDuration(value["TimeoutStopSec"])
	if err != nil || stop <= c.Node.LeaveTimeout.Std() {
		t.Errorf("got TimeoutStopSec=%s, want more than leave_timeout, %s", value["TimeoutStopSec"], c.Node.LeaveTimeout)
	}
}

// What wireguard.toml has in comments is right once it is none.
func TestCommentedKeysAreRight(t *testing.T) {
	source := mustRead(t, "wireguard.toml")
	uncommented := 0
	for line := range strings.Lines(source) {
		if rest, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(rest, " = ") {
			source = strings.Replace(source, line, rest, 1)
			uncommented++
		}
	}
	if uncommented < 4 {
		t.Errorf("got %d keys in comments, want some", uncommented)
	}
	if _, err := config.Parse("wireguard.toml", []byte(source), environment(t)); err != nil {
		t.Error(err)
	}
}
