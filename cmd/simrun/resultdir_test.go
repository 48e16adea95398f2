package main

import (
	"os"
	"path/filepath"
	"testing"
)

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mustCommit makes a result at out whose summary is content.
func mustCommit(t *testing.T, out string, force bool, content string) {
	t.Helper()
	d, err := createResultDir(out, "", force)
	if err != nil {
		t.Fatal(err)
	}
	defer d.discard()
	mustWrite(t, filepath.Join(d.work, scenarioFile), "")
	mustWrite(t, filepath.Join(d.work, summaryFile), content)
	if err := d.commit(); err != nil {
		t.Fatal(err)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name()
	}
	return names
}

func TestResultAppearsOnlyWhenComplete(t *testing.T) {
	parent := t.TempDir()
	out := filepath.Join(parent, "result")
	d, err := createResultDir(out, "", false)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(d.work, summaryFile), "half")
	if exists(out) {
		t.Fatal("the directory is there before it is complete")
	}
	d.discard()
	if left := entries(t, parent); len(left) != 0 {
		t.Fatalf("a discarded result left %v", left)
	}
}

func TestResultIsReplacedOnlyWithForce(t *testing.T) {
	parent := t.TempDir()
	out := filepath.Join(parent, "result")
	mustCommit(t, out, false, "first")
	if _, err := createResultDir(out, "", false); exitStatus(err) != exitUsage {
		t.Fatalf("without force: got %v, want a usage error", err)
	}
	mustCommit(t, out, true, "second")
	if got := mustRead(t, filepath.Join(out, summaryFile)); got != "second" {
		t.Fatalf("with force: got %q", got)
	}
	if left := entries(t, parent); len(left) != 1 {
		t.Fatalf("replacing left %v", left)
	}
}

func TestForceDoesNotReplaceWhatIsNoResult(t *testing.T) {
	home := t.TempDir()
	precious := filepath.Join(home, "thesis.tex")
	mustWrite(t, precious, "chapter 1")
	for _, path := range []string{home, precious} {
		if _, err := createResultDir(path, "", true); exitStatus(err) != exitUsage {
			t.Errorf("%s: got %v, want a usage error", path, err)
		}
	}
	if got := mustRead(t, precious); got != "chapter 1" {
		t.Errorf("the file now holds %q", got)
	}
}

func TestLateComerDoesNotOverwrite(t *testing.T) {
	out := filepath.Join(t.TempDir(), "result")
	slow, err := createResultDir(out, "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.discard()
	mustCommit(t, out, false, "fast")
	if err := slow.commit(); exitStatus(err) != exitUsage {
		t.Errorf("the slower of two runs: got %v, want a usage error", err)
	}
	if got := mustRead(t, filepath.Join(out, summaryFile)); got != "fast" {
		t.Errorf("the finished result now holds %q", got)
	}
}

func TestDefaultDirectoryIsTheFirstFreeOne(t *testing.T) {
	fallback := filepath.Join(t.TempDir(), "seed-1")
	for _, want := range []string{fallback, fallback + ".2", fallback + ".3"} {
		d, err := createResultDir("", fallback, false)
		if err != nil {
			t.Fatal(err)
		}
		if d.final != want {
			t.Fatalf("got %s, want %s", d.final, want)
		}
		if err := d.commit(); err != nil {
			t.Fatal(err)
		}
	}
}
