// Package pebbledisk puts the disks of a virtual world's nodes on Pebble: the
// same code and settings that a real node has, each on a file system in memory
// that forgets at a crash what was not synced. [Disks] are a sim.Config's Disks.
//
// # Which writes survive
//
// The world decides. A crash gives Pebble the files back as they were at the
// last Sync; Pebble recovers from them; the batches that the world lets survive
// are applied again. So nodes find the same as on a disk in memory, and runs
// have the same trace hash on both. Pebble itself makes more durable than it was
// told to whenever it writes a table; before that happens to what was not
// synced, the files are set aside, and a crash returns to those. Files
// share what they have in common, so that costs next to nothing.
//
// # What Pebble writes
//
// How much Pebble writes to its log, and to tables and again to tables, is
// counted by Pebble ([Disk].Written) and is not part of the trace. Pebble does
// that work on other goroutines and usually when it has time. Here it has to do
// it when memory is full and before the node's next operation, one table after
// the other, so that the counts are the same in every run: memory counts as full
// by the sizes of what was written, which differs by a few percent from Pebble's
// reckoning, which is partly chance. Compactions that reads would trigger are
// off for the same reason. Counts may differ between architectures, for tables
// are compressed.
package pebbledisk
