package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Of the directories of demos those go whose owner is gone, and nothing else does.
func TestStaleDemosAreRemoved(t *testing.T) {
	if !canLock {
		t.Skip("files cannot be locked here")
	}
	tmp, elsewhere := t.TempDir(), t.TempDir()
	mkdir := func(name string, lock bool) string {
		dir := filepath.Join(tmp, name)
		if err := os.MkdirAll(filepath.Join(dir, "n1", "store"), 0o700); err != nil {
			t.Fatal(err)
		}
		if lock {
			if err := os.WriteFile(filepath.Join(dir, demoLock), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}

	running, lock, err := makeDemoDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	stale := mkdir(demoPrefix+"1", true)
	kept := []string{
		running,
		mkdir(demoPrefix+"2", false), // somebody else's, or a demo about to begin
		mkdir("other-demo-1", true),
		elsewhere,
	}
	if err := os.WriteFile(filepath.Join(elsewhere, demoLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Links lead elsewhere.
	link := filepath.Join(tmp, demoPrefix+"3")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	linked := mkdir(demoPrefix+"4", false)
	if err := os.Symlink(filepath.Join(elsewhere, demoLock), filepath.Join(linked, demoLock)); err != nil {
		t.Fatal(err)
	}
	kept = append(kept, link, linked)

	if removed := removeStaleDemos(tmp); !slices.Equal(removed, []string{stale}) {
		t.Errorf("removed %q, want %q", removed, stale)
	}
	for _, dir := range kept {
		if _, err := os.Lstat(dir); err != nil {
			t.Errorf("%v, want it left alone", err)
		}
	}
	if _, err := os.Lstat(stale); err == nil {
		t.Errorf("%s is still there", stale)
	}

	// A node that goes on holds the lock when the demo has gone.
	cat := exec.Command("cat")
	cat.ExtraFiles = []*os.File{lock}
	stdin, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Skipf("no program to start: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if removed := removeStaleDemos(tmp); removed != nil {
		t.Errorf("removed %q while a node runs", removed)
	}
	_ = stdin.Close()
	if err := cat.Wait(); err != nil {
		t.Fatal(err)
	}
	if removed := removeStaleDemos(tmp); !slices.Equal(removed, []string{running}) {
		t.Errorf("removed %q, want %q", removed, running)
	}
}
