package fuzz

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// What is kept of a corpus: it is committed, and every go test runs it.
const (
	// mostKept bounds the seeds of a target, and mostSize those that are added,
	// in bytes.
	mostKept = 40
	mostSize = 4 << 10
	// enough is how many are kept even if they reach no statement that others do
	// not, of all sizes: what interests the fuzzer is also how often and by which
	// way.
	enough = 16
)

// Keep copies, from what the fuzzer found to be of interest, inputs that reach
// statements which no seed does, small ones first, to where go test takes its
// seeds from. It returns how many. The binaries must have been built for that
// (see [Campaign.Build]).
func (c *Campaign) Keep(ctx context.Context, t Target) (added int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep inputs of %s %s: %w", t.Package, t.Name, err)
		}
	}()
	have := names(t.Seeds())
	found, err := smallest(c.interesting(t))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	reached, err := c.reach(ctx, t, "")
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(t.Seeds(), 0o755); err != nil {
		return 0, err
	}
	var others []string
	for _, name := range found {
		if have[name] || len(have) >= mostKept {
			continue
		}
		news, err := c.adds(ctx, t, name, reached)
		switch {
		case err != nil:
			return added, err
		case news > 0:
			have[name] = true
			added++
		case news == 0:
			others = append(others, name)
		}
	}
	for _, name := range spread(others, enough-len(have)) {
		if err := c.put(t, name); err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}

// spread takes n of a list, evenly, or all if there are fewer.
func spread(list []string, n int) []string {
	if n >= len(list) {
		return list
	}
	var some []string
	for i := range max(n, 0) {
		some = append(some, list[i*len(list)/n])
	}
	return some
}

// smallest are the names of the files in a directory that are small enough, by
// size.
func smallest(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size := map[string]int64{}
	var found []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && info.Size() <= mostSize {
			size[e.Name()] = info.Size()
			found = append(found, e.Name())
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return int(size[a] - size[b]) })
	return found, nil
}

// put copies an input to the seeds.
func (c *Campaign) put(t Target, name string) error {
	b, err := os.ReadFile(filepath.Join(c.interesting(t), name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.Seeds(), name), b, 0o644)
}

// adds tells how many statements an input reaches that are not reached yet, and
// leaves it among the seeds if there are any; -1 if it is none of this target's
// inputs any more.
func (c *Campaign) adds(ctx context.Context, t Target, name string, reached map[string]bool) (news int, err error) {
	if err := c.put(t, name); err != nil {
		return 0, err
	}
	defer func() {
		if news <= 0 || err != nil {
			_ = os.Remove(filepath.Join(t.Seeds(), name))
		}
	}()
	here, err := c.reach(ctx, t, name)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		return -1, nil
	}
	for s := range here {
		if !reached[s] {
			reached[s] = true
			news++
		}
	}
	return news, nil
}

// reach returns the statements that a seed reaches, all seeds together if it is
// not named.
func (c *Campaign) reach(ctx context.Context, t Target, seed string) (map[string]bool, error) {
	profile := c.binary(t) + ".profile"
	pattern := "^" + t.Name + "$"
	if seed != "" {
		pattern += "/^" + seed + "$"
	}
	cmd := exec.CommandContext(ctx, c.binary(t), "-test.short", "-test.run="+pattern, "-test.coverprofile="+profile)
	cmd.Dir = t.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("run seeds: %w\n%s", err, out)
	}
	f, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reached := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if statement, ok := strings.CutSuffix(lines.Text(), " 1"); ok { // mode: set
			reached[statement] = true
		}
	}
	return reached, lines.Err()
}
