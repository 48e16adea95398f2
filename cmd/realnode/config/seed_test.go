package config

import (
	"testing"

	"github.com/starling-sim/starling/protocol/stack"
)

func TestSeedsWithAnIdentity(t *testing.T) {
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	for seed, ok := range map[string]bool{
		"00000000000000ff@127.0.0.1:7946":    true,
		"00000000000000ff@node.example:7946": true,
		"00000000000000ff@[::1]:7946":        true,
		"ff@127.0.0.1:7946":                  false,
		"0000000000000000@127.0.0.1:7946":    false,
		"@127.0.0.1:7946":                    false,
		"00000000000000ff@127.0.0.1":         false,
		"00000000000000ff@":                  false,
	} {
		text := "[node]\nseeds = [\"" + seed + "\"]\n[transport]\n"
		if _, err := Parse("node.toml", []byte(text), Environment{Registry: registry}); (err == nil) != ok {
			t.Errorf("%q: got %v, want it to be valid: %v", seed, err, ok)
		}
		text += "kind = \"wireguard\"\nlisten = \"127.0.0.1:0\"\n[wireguard]\nkey_file = \"key\"\n"
		if _, err := Parse("node.toml", []byte(text), Environment{Registry: registry}); err == nil {
			t.Errorf("%q: got no error with wireguard, where the keys are the identity", seed)
		}
	}
}
