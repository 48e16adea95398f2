package mst

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/starling-sim/starling/protocol/wire"
)

const (
	pageVersion = 1
	// groupSlots is how many slots of a page are hashed in one piece. A proof
	// carries whole groups: small ones make small proofs, large ones fewer
	// hashes. With 1, 4 and all slots in a group a proof of one key of 1 M (B =
	// 16) takes 1.3, 1.8 and 7.8 kB, and the root of 1 M keys 370, 160 and 105
	// ms; 4 is nearly as small as 1 and nearly as fast as all.
	groupSlots = 4
)

// What a hash is of is its first byte.
const (
	tagGroup   = 1
	tagInner   = 2
	tagPage    = 3
	tagSummary = 4
)

// scratch is memory that hashing pages uses again and again.
type scratch struct {
	page  []byte // a page's encoding
	marks []int  // where its groups begin, and its end
	piece []byte // what is being hashed
}

// groupsOf returns the number of groups of a page.
func groupsOf(count int) int { return (count + 1 + groupSlots - 1) / groupSlots }

// appendPage appends the encoding of a sealed page's contents, all of whose
// children are sealed, and to marks the offset of each group and of the end.
func (p *Profile) appendPage(b []byte, pg *page, marks []int) ([]byte, []int) {
	b = slices.Grow(b, 16+len(pg.rows)+int(pg.count)+len(pg.kids)*int(p.hashSize))
	marks = slices.Grow(marks, groupsOf(int(pg.count))+1)
	b = append(b, pageVersion, pg.level)
	b = wire.AppendUvarint(b, uint64(pg.count))
	for i, off := 0, 0; i <= int(pg.count); i++ {
		if i%groupSlots == 0 {
			marks = append(marks, len(b))
		}
		b, off = p.appendSlot(b, pg, i, off)
	}
	return b, append(marks, len(b))
}

// appendSlot appends the i-th slot, whose entry is at off, and returns where
// the next entry is.
func (p *Profile) appendSlot(b []byte, pg *page, i, off int) ([]byte, int) {
	if kid := pg.kid(i); kid != nil {
		b = append(append(b, 1), kid.hash[:p.hashSize]...)
	} else {
		b = append(b, 0)
	}
	if i == int(pg.count) {
		return b, off
	}
	_, _, end := row(pg.rows, off, pg.ds)
	return append(b, pg.rows[off:end]...), end
}

// sumPage returns the hash of a page whose children are sealed.
func (p *Profile) sumPage(pg *page, s *scratch) Hash {
	s.page, s.marks = p.appendPage(s.page[:0], pg, s.marks[:0])
	return p.sumGroups(pg.level, int(pg.count), s.page, s)
}

// sumGroups returns the hash of a page whose groups are in b at s.marks.
func (p *Profile) sumGroups(level uint8, count int, b []byte, s *scratch) Hash {
	return p.sumHeader(level, count, p.sumTree(b, s.marks, s))
}

// sumTree returns the root of the binary tree over the groups of b between
// marks.
func (p *Profile) sumTree(b []byte, marks []int, s *scratch) Hash {
	n := len(marks) - 1
	if n == 1 {
		return p.sumGroup(b[marks[0]:marks[1]], s)
	}
	k := leftOf(n)
	return p.sumInner(p.sumTree(b, marks[:k+1], s), p.sumTree(b, marks[k:], s))
}

// leftOf returns how many of n > 1 leaves are in the left subtree: the largest
// power of two below n, as in RFC 6962, section 2.1.
func leftOf(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

func (p *Profile) sumGroup(group []byte, s *scratch) Hash {
	s.piece = slices.Grow(s.piece[:0], 1+len(group))
	s.piece = append(append(s.piece, tagGroup), group...)
	return p.truncate(sha256.Sum256(s.piece))
}

func (p *Profile) sumInner(left, right Hash) Hash {
	var b [1 + 2*MaxHashSize]byte
	b[0] = tagInner
	copy(b[1:], left[:p.hashSize])
	copy(b[1+p.hashSize:], right[:p.hashSize])
	return p.truncate(sha256.Sum256(b[:1+2*int(p.hashSize)]))
}

func (p *Profile) sumHeader(level uint8, count int, tree Hash) Hash {
	var b [10 + MaxHashSize]byte
	b[0], b[1], b[2] = tagPage, pageVersion, p.digitBits
	b[3], b[4], b[5] = p.hashSize, p.digestSize, level
	binary.BigEndian.PutUint32(b[6:], uint32(count))
	copy(b[10:], tree[:p.hashSize])
	return p.truncate(sha256.Sum256(b[:10+int(p.hashSize)]))
}

func (p *Profile) truncate(sum [sha256.Size]byte) (h Hash) {
	copy(h[:p.hashSize], sum[:])
	return h
}
