package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// demoPrefix begins the names of demos' directories.
	demoPrefix = "starling-demo-"
	// demoLock is the file in each that is locked for as long as the demo, or a
	// node that it started, runs: they all have it open, and the system lets go of
	// the lock when the last of them ends, however it ends.
	demoLock = "lock"
)

// makeDemoDir makes a directory for a demo below another, and returns it with its
// lock, which is the caller's to close. The lock is nil where there are none.
func makeDemoDir(below string) (dir string, lock *os.File, err error) {
	if dir, err = os.MkdirTemp(below, demoPrefix+"*"); err != nil {
		return "", nil, fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("lock the directory of the demo: %w", err), os.RemoveAll(dir))
		}
	}()
	if !canLock {
		return dir, nil, nil
	}
	// It gets its name when it is locked: what somebody finds unlocked is nobody's.
	unnamed := filepath.Join(dir, demoLock+".new")
	if lock, err = os.OpenFile(unnamed, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return "", nil, err
	}
	if err = tryLock(lock); err == nil {
		err = os.Rename(unnamed, filepath.Join(dir, demoLock))
	}
	if err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return dir, lock, nil
}

// removeStaleDemos removes the directories of demos that were killed, and returns
// them. It leaves alone what is locked, what never was, and what belongs to
// somebody else.
func removeStaleDemos(below string) (removed []string) {
	entries, err := os.ReadDir(below)
	if err != nil || !canLock {
		return nil // the demo itself will say so, if it matters
	}
	for _, e := range entries {
		dir := filepath.Join(below, e.Name())
		if strings.HasPrefix(e.Name(), demoPrefix) && removeStaleDemo(dir) {
			removed = append(removed, dir)
		}
	}
	return removed
}

func removeStaleDemo(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || !mine(info) {
		return false
	}
	lock, err := openLock(filepath.Join(dir, demoLock))
	if err != nil {
		return false
	}
	defer lock.Close()
	if tryLock(lock) != nil {
		return false
	}
	// What is left this time goes the next.
	return os.RemoveAll(dir) == nil
}

func closeLock(lock *os.File) error {
	if lock == nil {
		return nil
	}
	return lock.Close()
}
