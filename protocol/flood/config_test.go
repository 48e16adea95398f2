package flood

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestCheckNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(*Config){
		"fanout":          func(c *Config) { c.Fanout = 0 },
		"transport":       func(c *Config) { c.Transport = "" },
		"max_hops":        func(c *Config) { c.MaxHops = -1 },
		"history_count":   func(c *Config) { c.HistoryCount = 0 },
		"history_age":     func(c *Config) { c.HistoryAge = 0 },
		"history_origins": func(c *Config) { c.HistoryOrigins = 0 },
	} {
		c := Default()
		spoil(&c)
		spec := Spec()
		if err := spec.Check(&c); err == nil || !strings.HasPrefix(err.Error(), key+": got ") || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: got error %v, want one that names the key, what it got and what it wants", key, err)
		}
		if _, err := spec.NewBuilder(&c)(nil); err == nil {
			t.Errorf("%s: a node was built out of it", key)
		}
	}
	if err := Spec().Check(Default()); err == nil {
		t.Error("a Config that is not a pointer: accepted")
	}
	if err := Spec().Check(Spec().NewConfig()); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	if _, err := Spec().NewBuilder(Spec().NewConfig())(nil); err == nil {
		t.Error("no sampler below: a node was built")
	}
}

func TestConfigSurvivesTOML(t *testing.T) {
	want := Default()
	want.Transport, want.MaxHops = "datagram", 7
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
