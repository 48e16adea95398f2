package disk

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/pebblestore"
)

// Store is a node's disk. Its methods may be called from any goroutine.
type Store struct {
	dir  string
	log  *slog.Logger
	tell func(error)

	lock *pebble.Lock
	db   pebblestore.Store

	// work is what the worker does, one piece at a time; closing ends it.
	work    chan piece
	closing chan struct{}

	closeOnce sync.Once
	closeErr  error
	failOnce  sync.Once
	failed    chan struct{} // closed after failure was set
	failure   error
}

var _ protocol.Store = (*Store)(nil)

// piece is work for the worker and where the result goes.
type piece struct {
	do   func() error
	done chan error
}

// Open opens the store in a directory, which is made if it is not there. The
// error wraps [ErrLocked] if the directory is in use by another process, or by
// another Store of this one.
func Open(dir string, o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		dir: dir, log: o.Logger, tell: o.Failed,
		work: make(chan piece), closing: make(chan struct{}), failed: make(chan struct{}),
	}
	if err := s.lockDirectory(o.FS); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	go s.worker()
	opened := make(chan *pebble.DB, 1)
	err := s.do("open", func() error {
		p := o.pebble(s)
		p.Lock = s.lock
		db, err := pebble.Open(dir, p)
		opened <- db
		return err
	})
	if err != nil {
		close(s.closing)
		if s.Err() == nil { // else Pebble may still be at work in the directory
			err = errors.Join(err, s.lock.Close())
		}
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	s.db.DB = <-opened
	return s, nil
}

func (s *Store) lockDirectory(fs vfs.FS) error {
	if err := makeDirectory(fs, s.dir); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	lock, err := pebble.LockDirectory(s.dir, fs)
	if err == nil {
		s.lock = lock
		return nil
	}
	// POSIX lets a refused lock be either of the two. A lock within the process
	// has no error of its own.
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "held by current process") {
		return fmt.Errorf("%w by another node: %w", ErrLocked, err)
	}
	return fmt.Errorf("lock the directory: %w", err)
}

// makeDirectory makes a directory that a loss of power does not take away again:
// that takes a sync of every directory in which one was made.
func makeDirectory(fs vfs.FS, dir string) error {
	var parents []string
	for d := dir; ; {
		if _, err := fs.Stat(d); !errors.Is(err, os.ErrNotExist) {
			break // it is there, or what is wrong shows below
		}
		parent := fs.PathDir(d)
		if parent == d {
			break
		}
		parents = append(parents, parent)
		d = parent
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := syncDirectory(fs, parent); err != nil {
			return err
		}
	}
	return nil
}

func syncDirectory(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// worker does the operations, until the store is closed or an operation never
// comes back.
func (s *Store) worker() {
	for {
		select {
		case p := <-s.work:
			p.done <- s.carryOut(p.do)
		case <-s.closing:
			return
		case <-s.failed:
			return
		}
	}
}

// carryOut turns a panic of Pebble's, which sees to it that nothing wrong is
// written, into the end of the store instead of the process.
func (s *Store) carryOut(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			err = s.failure
		}
	}()
	return do()
}

// do has the worker carry out an operation. After an error wrapping ErrFailed
// it may still be at it: do must be given nothing that its caller uses
// afterwards.
func (s *Store) do(what string, do func() error) error {
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	p := piece{do: do, done: make(chan error, 1)}
	select {
	case s.work <- p:
	case <-s.failed:
		return fmt.Errorf("%s: %w", what, s.failure)
	case <-s.closing:
		return fmt.Errorf("%s: %w", what, ErrClosed)
	}
	select {
	case err := <-p.done:
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	case <-s.failed:
		return fmt.Errorf("%s: %w", what, s.failure)
	}
}

// Get implements [protocol.Store].
func (s *Store) Get(key []byte) (value []byte, ok bool, err error) {
	type found struct {
		value []byte
		ok    bool
	}
	result := make(chan found, 1)
	key = bytes.Clone(key)
	err = s.do("get", func() error {
		v, ok, err := s.db.Get(key)
		result <- found{v, ok}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	f := <-result
	return f.value, f.ok, nil
}

// Apply implements [protocol.Store]. An error that wraps [ErrFailed] leaves open
// whether the batch will be there after a restart.
func (s *Store) Apply(b *protocol.Batch) error {
	batch, err := pebblestore.Encode(b)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if batch.Empty() {
		return s.Err()
	}
	return s.do("apply", func() error { return s.db.Commit(batch) })
}

// Sync implements [protocol.Store].
func (s *Store) Sync() error {
	return s.do("sync", s.db.Sync)
}

// Close makes everything durable and frees the directory. A store that has
// failed cannot do either (see the package's documentation): it returns why it
// failed. Nothing may be under way.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.closeErr = s.do("close", func() error {
			if err := s.db.Sync(); err != nil {
				return err
			}
			return s.db.DB.Close()
		})
		close(s.closing)
		if s.Err() == nil {
			s.closeErr = errors.Join(s.closeErr, s.lock.Close())
		}
		if s.closeErr != nil {
			s.closeErr = fmt.Errorf("store in %s: %w", s.dir, s.closeErr)
		}
	})
	return s.closeErr
}
