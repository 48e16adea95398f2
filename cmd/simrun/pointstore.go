package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pointStore keeps the finished runs of a sweep, a directory each. A run is in
// it completely or not at all, also after a crash and with several processes
// at work.
type pointStore struct{ dir string }

// path returns where the run with this key stands.
func (s pointStore) path(key string) string { return filepath.Join(s.dir, key) }

// has reports whether the run with this key is finished.
func (s pointStore) has(key string) bool { return exists(filepath.Join(s.path(key), summaryFile)) }

// put stores a run, whose files write puts into the directory it is given.
func (s pointStore) put(key string, write func(dir string) error) error {
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return fmt.Errorf("store run %s: %w", key, err)
	}
	work, err := mkdirUnused(partialName(s.path(key)))
	if err != nil {
		return fmt.Errorf("store run %s: %w", key, err)
	}
	defer os.RemoveAll(work)
	if err := write(work); err != nil {
		return fmt.Errorf("store run %s: %w", key, err)
	}
	if err := os.Rename(work, s.path(key)); err != nil && !s.has(key) {
		return fmt.Errorf("store run %s: %w", key, err)
	}
	return nil // stored, by us or by another process that did the same run
}

// keys returns the keys of the finished runs, sorted.
func (s pointStore) keys() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read finished runs: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") || !s.has(e.Name()) })
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Name()
	}
	return keys, nil
}
