package cyclon

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestCheckNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(*Config){
		"view_size":        func(c *Config) { c.ViewSize = 0 },
		"shuffle_length":   func(c *Config) { c.ShuffleLength = c.ViewSize + 1 },
		"shuffle_interval": func(c *Config) { c.ShuffleInterval = 0 },
		"join_walk":        func(c *Config) { c.JoinWalk = 256 },
		"reply_timeout":    func(c *Config) { c.ReplyTimeout = c.ShuffleInterval },
		"transport":        func(c *Config) { c.Transport = "pigeon" },
		"rejoin_interval":  func(c *Config) { c.RejoinInterval = 0 },
	} {
		c := Defaults()
		spoil(&c)
		spec := Spec()
		if err := spec.Check(&c); err == nil || !strings.HasPrefix(err.Error(), key+": got ") || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: got error %v, want one that names the key, what it got and what it wants", key, err)
		}
		if _, err := spec.NewBuilder(&c)(nil); err == nil {
			t.Errorf("%s: a node was built out of it", key)
		}
	}
	if err := Spec().Check(Defaults()); err == nil {
		t.Error("a Config that is not a pointer: accepted")
	}
	if err := Spec().Check(Spec().NewConfig()); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestConfigSurvivesTOML(t *testing.T) {
	want := Defaults()
	want.Transport = "stream"
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
