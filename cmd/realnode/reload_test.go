package main

import (
	"maps"
	"slices"
	"testing"
)

// What the keys say of themselves, and what happens at SIGHUP, is the same.
func TestEveryReloadableKeyIsPutInForce(t *testing.T) {
	got := slices.Sorted(maps.Keys((&running{parts: &parts{}}).inForce()))
	want := slices.Sorted(slices.Values(reloadable()))
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
