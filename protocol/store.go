package protocol

// Store is a node's disk: an ordered key-value store with atomic batches.
// Writes are visible at once and survive a crash only if a Sync that began
// after them has returned. After a crash the disk holds what was synced and a
// prefix of what was not.
//
// A protocol keeps its keys under a prefix of its own name.
type Store interface {
	// Get returns the value of key, which the caller may keep; ok is false if
	// there is none.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan calls visit for each key in [start, end) in byte order until it
	// returns false. A nil end means no end. The slices are valid only during
	// the call.
	Scan(start, end []byte, visit func(key, value []byte) bool) error
	// Apply carries out all of b or nothing. The store keeps no reference to
	// b.
	Apply(b *Batch) error
	// Sync returns when everything applied so far will survive a crash.
	Sync() error
}

// Batch is a list of writes that are applied together, in order.
type Batch struct {
	ops []Write
}

// Write is one write of a Batch: Value nil and Delete true to delete.
type Write struct {
	Key, Value []byte
	Delete     bool
}

// Set adds a write of value under key. The batch keeps both slices.
func (b *Batch) Set(key, value []byte) { b.ops = append(b.ops, Write{Key: key, Value: value}) }

// Delete adds the removal of key. The batch keeps the slice.
func (b *Batch) Delete(key []byte) { b.ops = append(b.ops, Write{Key: key, Delete: true}) }

// Writes returns the writes in order.
func (b *Batch) Writes() []Write { return b.ops }

// Reset empties the batch for reuse.
func (b *Batch) Reset() { b.ops = b.ops[:0] }
