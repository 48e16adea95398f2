package pebblestore

import "github.com/cockroachdb/pebble/v2"

// What a store needs of memory, and how often it writes what it was given once
// more, is decided by these. A node writes little, and a machine may run many
// nodes.
const (
	// MemTableSize bounds a table of recent writes, in bytes; the first is of
	// 256 KiB. Two of them exist while one is written out.
	MemTableSize = 8 << 20
	// CacheSize is that of a store's own block cache, in bytes.
	CacheSize = 1 << 20
	// OpenFiles is about how many table files a store holds open.
	OpenFiles = 64
	// FileCacheShards divides the cache of open files; there is no crowd.
	FileCacheShards = 1
	// tablesBeforeCompaction is how many tables written from memory come
	// together before they are merged into the next level, which writes that
	// anew. Overwriting values of 1 KiB by Zipf's law, 8 MiB and 8 tables write
	// every byte 2.4 times, log included; 4 MiB and Pebble's 4 tables, 4.8 times.
	tablesBeforeCompaction = 8
	// manifestSize is the size in bytes at which the list of files is written
	// anew.
	manifestSize = 1 << 20
)

// Options returns what all stores of nodes have in common. The caller adds the
// file system, the logger and what it wants to hear.
func Options() *pebble.Options {
	o := &pebble.Options{
		CacheSize:                   CacheSize,
		MaxOpenFiles:                OpenFiles,
		MemTableSize:                MemTableSize,
		MemTableStopWritesThreshold: 4,
		MaxManifestFileSize:         manifestSize,
		L0CompactionThreshold:       tablesBeforeCompaction,
		FormatMajorVersion:          pebble.FormatNewest,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 1 },
		DisableTableStats:           true,
	}
	o.Experimental.FileCacheShards = FileCacheShards
	return o
}
