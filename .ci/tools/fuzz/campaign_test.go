package fuzz

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const source = `package m

func parse(b []byte) int {
	if len(b) < 2 || b[0] != 'a' {
		return 0
	}
	if b[1] > 'z' {
		return 2
	}
	return 1
}
`

const tests = `package m

import "testing"

func FuzzGood(f *testing.F) {
	f.Add([]byte("a"))
	f.Fuzz(func(t *testing.T, b []byte) { parse(b) })
}

func FuzzBad(f *testing.F) {
	f.Add([]byte("abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if parse(b) != 1 {
			t.Error("bad")
		}
	})
}

func FuzzBroken(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { t.Error("always") })
}
`

// A campaign from one end to the other: what fails is found and left as a file,
// a seed that fails is not taken for one, and what reaches more is kept.
func TestCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and fuzzes a module")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module m\n\ngo 1.26\n", "m.go": source, "m_test.go": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	targets, err := Targets(ctx, dir, []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) Target {
		i := slices.IndexFunc(targets, func(t Target) bool { return t.Name == name && t.Package == "m" && t.Module == "m" })
		if i < 0 {
			t.Fatalf("got targets %v, want one of the name %s", targets, name)
		}
		return targets[i]
	}
	c := &Campaign{Cache: t.TempDir(), Binaries: t.TempDir(), Log: io.Discard}
	if err := c.Build(ctx, targets, true); err != nil {
		t.Fatal(err)
	}
	if o := c.Run(ctx, find("FuzzGood"), time.Second); o.Failed() || o.Executions == 0 {
		t.Errorf("got %v", o)
	}
	if o := c.Run(ctx, find("FuzzBad"), time.Minute); len(o.Findings) != 1 || o.Err == nil {
		t.Errorf("got %v, want one finding", o)
	}
	if o := c.Run(ctx, find("FuzzBroken"), time.Minute); len(o.Findings) != 0 || !o.Failed() {
		t.Errorf("got %v, want a failure without a finding", o)
	}

	good := find("FuzzGood")
	if err := os.MkdirAll(c.interesting(good), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, input := range map[string]string{"long": `"aaaaaaaa"`, "more": `"a\xff"`, "other": `"aa"`} {
		if err := os.WriteFile(filepath.Join(c.interesting(good), name), []byte("go test fuzz v1\n[]byte("+input+")\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stale := filepath.Join(c.interesting(good), "stale") // of another type
	if err := os.WriteFile(stale, []byte("go test fuzz v1\nint(5)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Build(ctx, []Target{good}, false); err != nil {
		t.Fatal(err)
	}
	n, err := c.Keep(ctx, good)
	kept := names(good.Seeds())
	if err != nil || n != len(kept) || !kept["more"] || kept["stale"] {
		t.Errorf("kept %v, counted %d, error %v", kept, n, err)
	}
	if again, err := c.Keep(ctx, good); err != nil || again != 0 {
		t.Errorf("kept %d more of the same, error %v", again, err)
	}
}
