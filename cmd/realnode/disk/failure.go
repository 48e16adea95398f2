package disk

import (
	"errors"
	"fmt"
	"syscall"
)

// Errors that a caller may want to tell apart.
var (
	// ErrFailed is wrapped by every error of a store that has given itself up.
	ErrFailed = errors.New("the store has failed")
	// ErrFull is wrapped as well if that is because the disk is full.
	ErrFull = errors.New("the disk is full")
	// ErrLocked is wrapped by Open's error if somebody else has the directory
	// open.
	ErrLocked = errors.New("the directory is in use")
	// ErrClosed is wrapped by the errors of a store that was closed.
	ErrClosed = errors.New("the store is closed")
)

// fail gives the store up, for the reason that comes first.
func (s *Store) fail(cause error) {
	s.failOnce.Do(func() {
		cause = full(cause)
		s.failure = fmt.Errorf("%w: %w", ErrFailed, cause)
		close(s.failed)
		s.log.Error("the store has failed; nothing is durable until the process is restarted", "dir", s.dir, "err", cause)
		if s.tell != nil {
			s.tell(s.failure)
		}
	})
}

// full makes an error wrap [ErrFull] if a write failed for want of room, on the
// device or in the user's quota.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Err returns why the store has failed, nil while it has not.
func (s *Store) Err() error {
	select {
	case <-s.failed:
		return s.failure
	default:
		return nil
	}
}

// backgroundError hears of writes that failed outside of any operation.
func (s *Store) backgroundError(err error) {
	s.fail(err)
	block()
}

// block keeps a goroutine of Pebble's for ever; see the package's documentation.
func block() { select {} }

// logger is a store as Pebble's logger.
type logger Store

func (l *logger) Infof(format string, args ...any) {
	l.log.Debug("pebble: "+fmt.Sprintf(format, args...), "dir", l.dir)
}

func (l *logger) Errorf(format string, args ...any) {
	l.log.Error("pebble: "+fmt.Sprintf(format, args...), "dir", l.dir)
}

// Fatalf gives the store up. It does not return.
func (l *logger) Fatalf(format string, args ...any) {
	// Not only the text: what kind of error it was is looked at later.
	err := error(&fatalError{text: fmt.Sprintf(format, args...), args: args})
	(*Store)(l).fail(err)
	block()
}

// fatalError is what Pebble said when it gave up, with the errors among it.
type fatalError struct {
	text string
	args []any
}

func (e *fatalError) Error() string { return e.text }

func (e *fatalError) Unwrap() []error {
	var causes []error
	for _, a := range e.args {
		if err, ok := a.(error); ok {
			causes = append(causes, err)
		}
	}
	return causes
}
