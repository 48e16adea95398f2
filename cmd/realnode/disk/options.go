package disk

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/starling-sim/starling/protocol/pebblestore"
)

// Options of a store. The zero value will do.
type Options struct {
	// Logger is told what goes wrong, and at debug level what Pebble does. Nil
	// for silence.
	Logger *slog.Logger
	// Failed is called at most once, with an error that wraps [ErrFailed], when
	// the store has given itself up. It is called from a goroutine of Pebble's
	// and must return soon; the store's methods may be called from it, except
	// Close.
	Failed func(error)
	// Shared are caches that several stores of one process have in common; nil
	// gives the store small ones of its own.
	Shared *Shared
	// FS is the file system; nil for that of the operating system.
	FS vfs.FS
}

// Shared is what stores of one process can have in common.
type Shared struct {
	cache *pebble.Cache
	files *pebble.FileCache
}

// NewShared returns caches for several stores: bytes of blocks, and about as
// many open files. Both must be positive.
func NewShared(bytes int64, files int) *Shared {
	return &Shared{cache: pebble.NewCache(bytes), files: pebble.NewFileCache(pebblestore.FileCacheShards, files)}
}

// Close lets go of the caches, once the stores that use them are closed.
func (s *Shared) Close() {
	s.files.Unref()
	s.cache.Unref()
}

// pebble returns Pebble's options for a store.
func (o *Options) pebble(s *Store) *pebble.Options {
	p := pebblestore.Options()
	p.FS, p.Logger = o.FS, (*logger)(s)
	p.EventListener = &pebble.EventListener{BackgroundError: s.backgroundError}
	if o.Shared != nil {
		p.Cache, p.FileCache = o.Shared.cache, o.Shared.files
	}
	return p
}
