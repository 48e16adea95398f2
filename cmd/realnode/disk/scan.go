package disk

import (
	"bytes"

	"github.com/starling-sim/starling/protocol/pebblestore"
)

// chunkBytes is about how much of a scan is copied at a time.
const chunkBytes = 64 << 10

// pairOverhead is what a pair costs beyond its bytes.
const pairOverhead = 64

// pair is a key with its value.
type pair struct{ key, value []byte }

// scan is an iteration under way. Only the worker touches it.
type scan struct {
	it   *pebblestore.Iterator
	rest bool // the iterator is on a key that was not handed out
}

// Scan implements [protocol.Store]. It shows the store as it is when it begins;
// visit may call the store's methods.
func (s *Store) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	start, end = bytes.Clone(start), bytes.Clone(end)
	var sc scan // the worker's, and not looked at here
	chunks := make(chan []pair, 1)
	more := func() error {
		chunk, err := sc.next()
		chunks <- chunk
		return err
	}
	err := s.do("scan", func() error {
		it, err := s.db.Iterate(start, end)
		if err != nil {
			return err
		}
		sc.it, sc.rest = it, it != nil && it.First()
		return more()
	})
	ended := false
	defer func() {
		if err == nil && !ended { // also if visit panics
			_ = s.do("scan", sc.close)
		}
	}()
	for err == nil {
		chunk := <-chunks
		for _, p := range chunk {
			if !visit(p.key, p.value) {
				return nil
			}
		}
		if len(chunk) == 0 {
			ended = true
			return nil
		}
		err = s.do("scan", more)
	}
	return err
}

// next copies the next few pairs. After the last it closes the iterator, and
// from then on there is none.
func (sc *scan) next() ([]pair, error) {
	var chunk []pair
	size := 0
	for ; sc.rest && size < chunkBytes; sc.rest = sc.it.Next() {
		p := pair{bytes.Clone(sc.it.Key()), bytes.Clone(sc.it.Value())}
		size += len(p.key) + len(p.value) + pairOverhead
		chunk = append(chunk, p)
	}
	if sc.rest {
		return chunk, nil
	}
	return chunk, sc.close()
}

func (sc *scan) close() error {
	if sc.it == nil {
		return nil
	}
	it := sc.it
	sc.it = nil
	return it.Close()
}
