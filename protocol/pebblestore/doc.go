// Package pebblestore is [protocol.Store] on Pebble, an ordered key-value store
// with a write-ahead log: how keys, batches and durability map onto it, and
// what a node gives it of memory. Real nodes (cmd/realnode/disk) and the virtual
// world (package pebbledisk) have it in common, each with a file system of its
// own and its own idea of what a failure does.
package pebblestore
