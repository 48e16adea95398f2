package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const interruptible = `
name = "interruptible"
question = "Is it all the same?"
duration = "12s"
stack = ["swim"]
[nodes]
count = 8
[[fault]]
at = "1s"
kind = "crash"
count = 1
[[plot]]
name = "size"
kind = "sweep"
x = "nodes.count"
metrics = ["swim.detect_all_s.mean"]
[[expect]]
metric = "swim.false_positives"
max = 0
[sweep]
"nodes.count" = [6, 8, 10]
seeds = 2
`

// wallClock are the two figures that differ between runs of the same thing.
var wallClock = regexp.MustCompile(`"(wall_seconds|peak_rss_bytes)": [^,]*,`)

// tree returns the content of every file below dir by its path, without
// wall-clock figures.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(wallClock.ReplaceAll(content, nil))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sameTrees(t *testing.T, got, want map[string]string) {
	t.Helper()
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		t.Fatalf("files: got %v, want %v", g, w)
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs", name)
		}
	}
}

// simrunUntil runs a command line, which is interrupted when it has stored a
// number of runs (never if 0), and returns the exit status and standard error.
func simrunUntil(stored int, args ...string) (int, string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stdout, stderr bytes.Buffer
	a := newApp(&stdout, &stderr)
	left := make(chan struct{}, max(stored, 1))
	for range stored - 1 {
		left <- struct{}{}
	}
	a.onPointStored = func() {
		if stored == 0 {
			return
		}
		select {
		case <-left:
		default:
			cancel()
		}
	}
	status := a.main(ctx, args)
	return status, stderr.String()
}

func TestInterruptedSweepGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "interruptible.toml")
	mustWrite(t, scenario, interruptible)
	whole := filepath.Join(dir, "whole")
	if status, stderr := simrunUntil(0, "sweep", scenario, "--out", whole); status != exitOK {
		t.Fatalf("uninterrupted: exit status %d\n%s", status, stderr)
	}
	want := tree(t, whole)
	for _, workers := range []int{1, 2} {
		for _, after := range []int{1, 4} {
			t.Run(fmt.Sprintf("%d workers, after %d", workers, after), func(t *testing.T) {
				out := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-"))
				args := []string{"sweep", scenario, "--out", out, "--workers", fmt.Sprint(workers)}
				status, stderr := simrunUntil(after, args...)
				if status != exitInterrupted || !strings.Contains(stderr, "the same command goes on from there") {
					t.Fatalf("interrupted: exit status %d, want %d\n%s", status, exitInterrupted, stderr)
				}
				finished := storedRuns(t, out)
				if len(finished) < after || len(finished) >= after+workers {
					t.Fatalf("%d runs are stored, want %d and at most those that were about to end", len(finished), after)
				}
				status, stderr = simrunUntil(0, args...)
				if status != exitOK || !strings.Contains(stderr, fmt.Sprintf("%d of 6 runs are there already.", len(finished))) {
					t.Fatalf("resumed: exit status %d\n%s", status, stderr)
				}
				sameTrees(t, tree(t, out), want)
				for path, content := range finished {
					if mustRead(t, path) != content {
						t.Errorf("%s was run again", path)
					}
				}
			})
		}
	}
}

// storedRuns returns the summaries, wall-clock figures included, of the runs
// that a sweep has stored, by path.
func storedRuns(t *testing.T, out string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out, pointsDir, "*", summaryFile))
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]string{}
	for _, path := range paths {
		runs[path] = mustRead(t, path)
	}
	return runs
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "interruptible.toml")
	mustWrite(t, scenario, interruptible)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	status := newApp(&stdout, &stderr).main(ctx, []string{"run", scenario, "--out", filepath.Join(dir, "out")})
	if status != exitInterrupted || stdout.Len() > 0 {
		t.Errorf("exit status %d, want %d; printed %q", status, exitInterrupted, &stdout)
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("left: %v, want the scenario alone", left)
	}
}

func TestRunsOfAnotherVersionAreNamed(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "interruptible.toml")
	mustWrite(t, scenario, interruptible)
	args := []string{"sweep", scenario, "--out", filepath.Join(dir, "out")}
	if status, stderr := simrunUntil(2, append(args, "--workers", "1")...); status != exitInterrupted {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	for path, content := range storedRuns(t, filepath.Join(dir, "out")) {
		mustWrite(t, path, strings.Replace(content, `"version": "`, `"version": "old-`, 1))
	}
	status, stderr := simrunUntil(0, args...)
	if status != exitOK || !strings.Contains(stderr, "were made by version ") {
		t.Errorf("exit status %d; want a warning that names the other version, got\n%s", status, stderr)
	}
}

func TestShardsShareEverythingOnce(t *testing.T) {
	for _, of := range []int{1, 2, 3, 7} {
		for i := range 20 {
			owners := 0
			for index := 1; index <= of; index++ {
				if (shard{index: index, of: of}).has(i) {
					owners++
				}
			}
			if owners != 1 {
				t.Errorf("run %d belongs to %d of %d shares, want one", i, owners, of)
			}
		}
	}
	if !(shard{}).has(5) {
		t.Error("without shares a run belongs to nobody")
	}
	for _, text := range []string{"", "1", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3"} {
		if err := new(shard).Set(text); err == nil {
			t.Errorf("%q is taken for a share", text)
		}
	}
}
