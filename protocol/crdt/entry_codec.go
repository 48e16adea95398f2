package crdt

import (
	"fmt"
	"math"

	"github.com/starling-sim/starling/protocol/wire"
)

// Size is the exact number of bytes that Append adds.
func (e Entry) Size() int {
	n := 1
	for v := range e.parts() {
		n += 1 + wire.BytesSize(v.Size())
	}
	return n
}

// Append appends the canonical encoding: equal entries have equal bytes.
func (e Entry) Append(b []byte) []byte {
	count := len(b)
	b = append(b, 0)
	for v := range e.parts() {
		b[count]++
		b = append(b, byte(v.Kind()))
		b = wire.AppendUvarint(b, uint64(v.Size()))
		b = v.Append(b)
	}
	return b
}

// DecodeEntry decodes exactly what Append wrote. The error wraps an
// [*UnknownKindError] if there is a value of an unknown type, and always
// protocol.ErrMalformed. The entry does not refer to b.
func DecodeEntry(b []byte) (Entry, error) {
	var parts [kinds]Value
	r := wire.NewReader(b)
	n, last := r.Uint8(), Kind(0)
	for range n {
		k := Kind(r.Uint8())
		body := r.Bytes(math.MaxInt32)
		if r.Failed() {
			break
		}
		v, err := Decode(k, body)
		if err != nil {
			return Entry{}, fmt.Errorf("decode entry: %w", err)
		}
		if k <= last || v.empty() {
			r.Fail("got kind %d after %d, empty: %t", k, last, v.empty())
			break
		}
		parts[k-1], last = v, k
	}
	if err := r.Finish(); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	return entryOf(parts), nil
}
