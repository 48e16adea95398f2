package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/starling-sim/starling/cmd/realnode/disk"
)

// trouble makes writes fail, to files of a kind, once it is switched on.
type trouble struct {
	on    atomic.Bool
	hits  atomic.Int64
	files string // a part of the file's name
	err   error
}

func (d *trouble) String() string { return "trouble" }

func (d *trouble) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpCreate:
	default:
		return nil
	}
	if !d.on.Load() || !strings.Contains(op.Path, d.files) {
		return nil
	}
	d.hits.Add(1)
	return d.err
}

// Whatever file cannot be written: an error, no exit and no hang; then the next
// process finds what was synced.
func TestFailedWrites(t *testing.T) {
	for _, c := range []struct {
		name, files string
		err         error
		full        bool
	}{
		{"full disk, log", ".log", syscall.ENOSPC, true},
		{"full disk, tables", ".sst", syscall.ENOSPC, true},
		{"full disk", "", syscall.ENOSPC, true},
		{"quota", "", syscall.EDQUOT, true},
		{"broken disk, log", ".log", syscall.EIO, false},
		{"broken disk, manifest", "MANIFEST", syscall.EIO, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			d := &trouble{files: c.files, err: c.err}
			told := make(chan error, 10)
			s := mustOpen(t, "data", disk.Options{FS: errorfs.Wrap(mem, d), Failed: func(err error) { told <- err }})
			if err := errors.Join(set(s, "synced", "v"), s.Sync()); err != nil {
				t.Fatal(err)
			}
			d.on.Store(true)
			var err error
			value := string(make([]byte, 10_000))
			for i := 0; err == nil; i++ {
				err = set(s, fmt.Sprintf("k%09d", i), value)
				if err == nil && c.files != ".sst" && c.files != "MANIFEST" {
					err = s.Sync()
				}
			}
			if !errors.Is(err, disk.ErrFailed) || errors.Is(err, disk.ErrFull) != c.full {
				t.Errorf("got %v, want ErrFailed, and ErrFull: %v", err, c.full)
			}
			if d.hits.Load() == 0 {
				t.Error("no write was made to fail")
			}
			if err := <-told; !errors.Is(err, disk.ErrFailed) || !errors.Is(err, c.err) {
				t.Errorf("was told %v, want %v", err, c.err)
			}
			checkFailed(t, s)
			if len(told) > 0 {
				t.Errorf("was told again: %v", <-told)
			}
			left := mem.CrashClone(vfs.CrashCloneCfg{})
			next := mustOpen(t, "data", disk.Options{FS: left})
			defer next.Close()
			if v, ok, err := next.Get([]byte("synced")); err != nil || !ok || string(v) != "v" {
				t.Errorf("after a restart: got %q, %v, %v, want what was synced", v, ok, err)
			}
		})
	}
}

// checkFailed: a failed store answers, and always the same.
func checkFailed(t *testing.T, s *disk.Store) {
	t.Helper()
	_, _, get := s.Get([]byte("synced"))
	for what, err := range map[string]error{
		"get": get, "apply": set(s, "k", "v"), "sync": s.Sync(), "close": s.Close(), "err": s.Err(),
		"scan": s.Scan(nil, nil, func(_, _ []byte) bool { return true }),
	} {
		if !errors.Is(err, disk.ErrFailed) {
			t.Errorf("%s of a failed store: got %v, want %v", what, err, disk.ErrFailed)
		}
	}
}

// Failed may look at the store that it is told of.
func TestFailedUsesTheStore(t *testing.T) {
	d := &trouble{err: syscall.ENOSPC}
	var s *disk.Store
	told := make(chan error, 1)
	s = mustOpen(t, "data", disk.Options{FS: errorfs.Wrap(vfs.NewMem(), d), Failed: func(error) { told <- s.Sync() }})
	d.on.Store(true)
	_ = set(s, "k", "v")
	_ = s.Sync()
	if err := <-told; !errors.Is(err, disk.ErrFull) {
		t.Errorf("got %v, want %v", err, disk.ErrFull)
	}
}

func TestOpenOnAFullDisk(t *testing.T) {
	d := &trouble{err: syscall.ENOSPC}
	d.on.Store(true)
	if s, err := disk.Open("data", disk.Options{FS: errorfs.Wrap(vfs.NewMem(), d)}); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, disk.ErrFull) {
		t.Errorf("got %v, %v, want ErrFull and %v", s, err, syscall.ENOSPC)
	}
}

// Pebble talks by default: not here.
func TestQuietUnlessSomethingIsWrong(t *testing.T) {
	var log bytes.Buffer
	d := &trouble{err: syscall.ENOSPC}
	told := make(chan struct{})
	s := mustOpen(t, "data", disk.Options{
		FS:     errorfs.Wrap(vfs.NewMem(), d),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Failed: func(error) { close(told) },
	})
	if err := errors.Join(set(s, "k", "v"), s.Sync()); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("said %q", log.String())
	}
	d.on.Store(true)
	_ = set(s, "k", "v")
	_ = s.Sync()
	<-told
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "dir=data") {
		t.Errorf("of a failure it said %q", got)
	}
}

// small is a file system with little room.
type small struct {
	vfs.FS
	free uint64
}

func (s *small) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: s.free}, nil
}

// A store is not opened on a disk so full that opening it may fail half-way; with
// room again, it is as it was.
func TestOpenNeedsRoom(t *testing.T) {
	fs := &small{vfs.NewMem(), disk.LeastRoom}
	s := mustOpen(t, "data", disk.Options{FS: fs})
	if err := errors.Join(set(s, "synced", "v"), s.Sync(), s.Close()); err != nil {
		t.Fatal(err)
	}
	fs.free--
	if _, err := disk.Open("data", disk.Options{FS: fs}); !errors.Is(err, disk.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	fs.free++
	s = mustOpen(t, "data", disk.Options{FS: fs})
	defer s.Close()
	if v, ok, err := s.Get([]byte("synced")); err != nil || !ok || string(v) != "v" {
		t.Errorf("got %q, %v, %v, want what was synced", v, ok, err)
	}
}

// What Open itself cannot write for want of room is a full disk as well.
func TestOpenRunsOutOfRoom(t *testing.T) {
	d := &trouble{files: "dbtmp", err: syscall.ENOSPC}
	d.on.Store(true)
	if _, err := disk.Open("data", disk.Options{FS: errorfs.Wrap(vfs.NewMem(), d)}); !errors.Is(err, disk.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if d.hits.Load() == 0 {
		t.Error("no write was made to fail")
	}
}
