package disk

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
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

// What a store needs of memory is decided by these: a node writes little, and a
// machine may run many nodes.
const (
	// memTableSize bounds a table of recent writes, in bytes; the first is of
	// 256 KiB. Two of them exist while one is written out.
	memTableSize = 1 << 20
	// cacheSize is that of a store's own block cache, in bytes.
	cacheSize = 1 << 20
	// openFiles is about how many table files a store holds open.
	openFiles = 64
	// fileCacheShards divides the cache of open files; there is no crowd.
	fileCacheShards = 1
	// manifestSize is the size in bytes at which the list of files is written
	// anew.
	manifestSize = 1 << 20
)

// Shared is what stores of one process can have in common.
type Shared struct {
	cache *pebble.Cache
	files *pebble.FileCache
}

// NewShared returns caches for several stores: bytes of blocks, and about as
// many open files. Both must be positive.
func NewShared(bytes int64, files int) *Shared {
	return &Shared{cache: pebble.NewCache(bytes), files: pebble.NewFileCache(fileCacheShards, files)}
}

// Close lets go of the caches, once the stores that use them are closed.
func (s *Shared) Close() {
	s.files.Unref()
	s.cache.Unref()
}

// pebble returns Pebble's options for a store.
func (o *Options) pebble(s *Store) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		Logger:                      (*logger)(s),
		CacheSize:                   cacheSize,
		MaxOpenFiles:                openFiles,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: 4,
		MaxManifestFileSize:         manifestSize,
		FormatMajorVersion:          pebble.FormatNewest,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 1 },
		DisableTableStats:           true,
		EventListener:               &pebble.EventListener{BackgroundError: s.backgroundError},
	}
	p.Experimental.FileCacheShards = fileCacheShards
	if o.Shared != nil {
		p.Cache, p.FileCache = o.Shared.cache, o.Shared.files
	}
	return p
}
