package swim

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/protocol/quantity"
)

// memberlist v0.7.0: DefaultLANConfig, DefaultWANConfig, DefaultLocalConfig.
func TestProfilesAreMemberlists(t *testing.T) {
	type profile struct {
		interval, timeout, gossip, toDead, pushPull time.Duration
		indirect, retransmit, suspicion, nodes      int
	}
	for name, c := range map[string]struct {
		got  Config
		want profile
	}{
		"LAN":   {LAN(), profile{time.Second, time.Second / 2, time.Second / 5, 30 * time.Second, 30 * time.Second, 3, 4, 4, 3}},
		"WAN":   {WAN(), profile{5 * time.Second, 3 * time.Second, time.Second / 2, time.Minute, time.Minute, 3, 4, 6, 4}},
		"local": {Local(), profile{time.Second, time.Second / 5, time.Second / 10, 30 * time.Second, 15 * time.Second, 1, 2, 3, 3}},
	} {
		g := c.got
		got := profile{
			g.ProbeInterval.Std(), g.ProbeTimeout.Std(), g.GossipInterval.Std(), g.GossipToDead.Std(), g.PushPullInterval.Std(),
			g.IndirectProbes, g.RetransmitMult, g.SuspicionMult, g.GossipNodes,
		}
		if got != c.want || g.SuspicionMaxMult != 6 || g.AwarenessMax != 8 {
			t.Errorf("%s: got %+v, want %+v, suspicion_max_mult 6, awareness_max 8", name, got, c.want)
		}
		if err := g.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(*Config){
		"probe_interval":     func(c *Config) { c.ProbeInterval = 0 },
		"probe_timeout":      func(c *Config) { c.ProbeTimeout = c.ProbeInterval },
		"indirect_probes":    func(c *Config) { c.IndirectProbes = -1 },
		"probe_order":        func(c *Config) { c.ProbeOrder = "alphabetical" },
		"probe_phase":        func(c *Config) { c.ProbePhase = "" },
		"suspicion_mult":     func(c *Config) { c.SuspicionMult = 0 },
		"suspicion_max_mult": func(c *Config) { c.SuspicionMaxMult = 0 },
		"awareness_max":      func(c *Config) { c.AwarenessMax = 101 },
		"retransmit_mult":    func(c *Config) { c.RetransmitMult = 0 },
		"gossip_nodes":       func(c *Config) { c.GossipNodes = 101 },
		"push_pull_start":    func(c *Config) { c.PushPullStart = c.PushPullInterval + 1 },
		"reconnect_timeout":  func(c *Config) { c.ReconnectTimeout = 0 },
		"left_timeout":       func(c *Config) { c.LeftTimeout = 0 },
		"join_retry":         func(c *Config) { c.JoinRetry = 0 },
		"bootstrap":          func(c *Config) { c.Bootstrap = "boots" },
	} {
		c := LAN()
		spoil(&c)
		spec := Spec()
		if err := spec.Check(&c); err == nil || !strings.HasPrefix(err.Error(), key+": got ") || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: got error %v, want one that names the key, what it got and what it wants", key, err)
		}
		if _, err := spec.NewBuilder(&c)(nil); err == nil {
			t.Errorf("%s: a node was built out of it", key)
		}
	}
	if err := Spec().Check(LAN()); err == nil {
		t.Error("a Config that is not a pointer: accepted")
	}
}

func TestConfigSurvivesTOML(t *testing.T) {
	want := WAN()
	want.NackAfter, want.Buddy = quantity.Percent(100), false
	text, err := toml.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got Config
	if err := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(&got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if key := f.Tag.Get("toml"); key == "" || f.Tag.Get("doc") == "" || !strings.Contains(string(text), key+" = ") {
			t.Errorf("%s: want a toml key, a doc and a place in the file, got %q", f.Name, f.Tag)
		}
	}
}
