package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"
	"time"
)

// EpochLength is the stretch of virtual time whose records are summed up in
// one epoch digest.
const EpochLength = 100 * time.Millisecond

// EpochDigest sums up all records of one epoch: two sums of 64 bits of mixed
// records. Each record is mixed together with its place in the total order, so
// that the sums, though they commute, cover the order; that they commute makes
// them independent of who executed what when. The first epoch in which the
// digests of two runs differ is the one in which the runs parted.
type EpochDigest struct {
	// Epoch is the number of the epoch: virtual time divided by EpochLength.
	Epoch int64
	Sum   [2]uint64
	// Records is the number of records in it.
	Records uint64
}

// traceSum is one worker's share of the trace hash.
type traceSum struct {
	open   EpochDigest
	end    int64 // virtual time at which the open epoch ends
	closed []EpochDigest
}

// Odd constants: the fractional parts of square roots of primes (as in
// SHA-512), with the last bit set.
const (
	mix0 = 0x6a09e667f3bcc909
	mix1 = 0xbb67ae8584caa73b
	mix2 = 0x3c6ef372fe94f82b
	mix3 = 0xa54ff53a5f1d36f1
	mix4 = 0x510e527fade682d1
	mix5 = 0x9b05688c2b3e6c1f
)

// fold multiplies to 128 bits and folds the halves.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// record adds one record: what happened (kind, node, details a and b) during
// the event at a time and key. Sub distinguishes the records of one event.
func (s *traceSum) record(at int64, key, sub uint64, what, a, b uint64) {
	if at >= s.end {
		s.roll(at)
	}
	x := fold(uint64(at)^mix0, key^mix1)
	y := fold(a^mix2, b^mix3)
	z := what<<32 + sub
	s.open.Sum[0] += fold(x+z, y^mix4)
	s.open.Sum[1] += fold(y+z*mix5, x^mix3)
	s.open.Records++
}

// roll closes the open epoch and opens the one that holds a time.
func (s *traceSum) roll(at int64) {
	if s.open.Records > 0 {
		s.closed = append(s.closed, s.open)
	}
	epoch := at / int64(EpochLength)
	s.open = EpochDigest{Epoch: epoch}
	s.end = (epoch + 1) * int64(EpochLength)
}

// epochDigests returns the digests of all epochs with a record, in order.
func epochDigests(sums []*traceSum) []EpochDigest {
	var all []EpochDigest
	for _, s := range sums {
		all = append(all, s.closed...)
		if s.open.Records > 0 {
			all = append(all, s.open)
		}
	}
	slices.SortStableFunc(all, func(a, b EpochDigest) int {
		switch {
		case a.Epoch < b.Epoch:
			return -1
		case a.Epoch > b.Epoch:
			return 1
		}
		return 0
	})
	merged := all[:0]
	for _, d := range all {
		if n := len(merged); n > 0 && merged[n-1].Epoch == d.Epoch {
			merged[n-1].Sum[0] += d.Sum[0]
			merged[n-1].Sum[1] += d.Sum[1]
			merged[n-1].Records += d.Records
			continue
		}
		merged = append(merged, d)
	}
	return merged
}

// traceHash chains epoch digests into the trace hash: SHA-256 over, for each
// epoch with a record in order, its number, its two sums and its number of
// records, 8 bytes each, little endian.
func traceHash(digests []EpochDigest) string {
	h := sha256.New()
	var b [32]byte
	for _, d := range digests {
		binary.LittleEndian.PutUint64(b[0:], uint64(d.Epoch))
		binary.LittleEndian.PutUint64(b[8:], d.Sum[0])
		binary.LittleEndian.PutUint64(b[16:], d.Sum[1])
		binary.LittleEndian.PutUint64(b[24:], d.Records)
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
