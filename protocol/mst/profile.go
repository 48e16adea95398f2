package mst

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/bits"
)

// Defaults and bounds of [Options].
const (
	DefaultBase = 16 // Auvolat and Taiani, section V
	DefaultKey  = 1024
	MaxKey      = 1 << 16 // longest key that any profile allows, in bytes
	MinHashSize = 16
	MaxHashSize = sha256.Size
	// MinDigestSize is 8 bytes: enough against accidents only.
	MinDigestSize = 8
	MinSaltSize   = 16
	// MaxMaxCount leaves every slot of a page an index of 16 bits.
	MaxMaxCount = 1<<16 - 2
	MaxSaltSize = sha256.Size
)

// Hash is the hash of a page, the root of a tree. If the profile's hashes are
// shorter, the rest is zero. The zero Hash is the root of the empty tree.
type Hash [MaxHashSize]byte

// IsZero reports whether h is the root of the empty tree.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the first eight bytes in hexadecimal.
func (h Hash) String() string { return fmt.Sprintf("%x", h[:8]) }

// Digest stands for a value and its version: what two trees compare. It must
// cover a canonical encoding of both. If the profile's digests are shorter,
// the rest does not count and comes back as zero.
type Digest [MaxHashSize]byte

// Options are the parameters of a [Profile]. The zero value is the default.
type Options struct {
	// Base is the number of values of a digit, B in the paper: a power of two
	// from 2 to 256; 0 means DefaultBase. A page holds B entries on average.
	Base int
	// HashSize is the length of page hashes in bytes, MinHashSize to
	// MaxHashSize; 0 means MaxHashSize.
	HashSize int
	// DigestSize is the length of digests in bytes, MinDigestSize to
	// MaxHashSize; 0 means MaxHashSize.
	DigestSize int
	// MaxKey is the length of the longest key in bytes, up to the constant
	// MaxKey; 0 means DefaultKey.
	MaxKey int
	// MaxCount is how many entries a page may have that is taken from a peer, up
	// to MaxMaxCount; 0 means as many as keys that nobody chose can make of one,
	// but for chance of 2^-64. More is for trees without a salt whose peers must
	// agree whatever the keys are: then one page can be made to hold many.
	MaxCount int
	// Salt is a secret of the cluster, MinSaltSize to MaxSaltSize bytes: who
	// does not know it can not choose keys of a certain level. Without it
	// levels are those of SHA-256 of the key, as in the paper.
	Salt []byte
}

// Profile fixes how trees are built and hashed. Two trees can be compared if
// their profiles are equal. It never changes and is safe for concurrent use.
type Profile struct {
	digitBits  uint8
	hashSize   uint8
	digestSize uint8
	maxKey     int
	maxCount   int // entries of a page
	level      func(key []byte) uint8
	sum        func(p *Profile, pg *page, s *scratch) Hash
}

// maxCounts is by digitBits-1: the most entries of a page that a decoder
// accepts. A page that begins at a given key of honestly hashed ones has n
// entries with probability ((B-1)/B)^n; at these bounds none of 2^20 keys
// begins a longer one but with probability 2^-64:
// floor(84 ln 2 / ln(B/(B-1))).
var maxCounts = [8]int{84, 202, 436, 902, 1833, 3697, 7423, 14876}

// NewProfile returns the SHA-256 profile with these parameters, or an error
// that names the wrong one.
func NewProfile(o Options) (*Profile, error) {
	def := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	def(&o.Base, DefaultBase)
	def(&o.HashSize, MaxHashSize)
	def(&o.DigestSize, MaxHashSize)
	def(&o.MaxKey, DefaultKey)
	switch {
	case o.Base < 2 || o.Base > 256 || o.Base&(o.Base-1) != 0:
		return nil, fmt.Errorf("mst profile: got base %d, want a power of two from 2 to 256", o.Base)
	case o.HashSize < MinHashSize || o.HashSize > MaxHashSize:
		return nil, fmt.Errorf("mst profile: got a hash size of %d bytes, want %d to %d", o.HashSize, MinHashSize, MaxHashSize)
	case o.DigestSize < MinDigestSize || o.DigestSize > MaxHashSize:
		return nil, fmt.Errorf("mst profile: got a digest size of %d bytes, want %d to %d", o.DigestSize, MinDigestSize, MaxHashSize)
	case o.MaxKey < 1 || o.MaxKey > MaxKey:
		return nil, fmt.Errorf("mst profile: got a longest key of %d bytes, want 1 to %d", o.MaxKey, MaxKey)
	case o.MaxCount < 0 || o.MaxCount > MaxMaxCount:
		return nil, fmt.Errorf("mst profile: got a largest page of %d entries, want 1 to %d", o.MaxCount, MaxMaxCount)
	case len(o.Salt) != 0 && (len(o.Salt) < MinSaltSize || len(o.Salt) > MaxSaltSize):
		return nil, fmt.Errorf("mst profile: got a salt of %d bytes, want none or %d to %d", len(o.Salt), MinSaltSize, MaxSaltSize)
	}
	digit := bits.TrailingZeros(uint(o.Base))
	p := &Profile{
		digitBits: uint8(digit), hashSize: uint8(o.HashSize), digestSize: uint8(o.DigestSize),
		maxKey: o.MaxKey, maxCount: cmp.Or(o.MaxCount, maxCounts[digit-1]),
		sum: (*Profile).sumPage,
	}
	p.level = levelFunc(p.digitBits, o.Salt)
	return p, nil
}

// MustProfile is NewProfile for parameters that are known to be right.
func MustProfile(o Options) *Profile {
	p, err := NewProfile(o)
	if err != nil {
		panic(err)
	}
	return p
}

// Base returns the number of values of a digit.
func (p *Profile) Base() int { return 1 << p.digitBits }

// HashSize returns the length of page hashes in bytes.
func (p *Profile) HashSize() int { return int(p.hashSize) }

// DigestSize returns the length of digests in bytes.
func (p *Profile) DigestSize() int { return int(p.digestSize) }

// MaxCount returns how many entries a page may have that a decoder accepts.
func (p *Profile) MaxCount() int { return p.maxCount }

// CheckKey returns why key can not be in a tree, nil if it can.
func (p *Profile) CheckKey(key []byte) error {
	if len(key) > p.maxKey {
		return fmt.Errorf("mst key: got %d bytes, want at most %d", len(key), p.maxKey)
	}
	return nil
}

// Level returns the level of the page that key is in: the number of zero
// digits that its hash begins with.
func (p *Profile) Level(key []byte) int { return int(p.level(key)) }

// levelSaltSize is what the salt is filled up to, so that key and salt can not
// be mistaken for each other.
const levelSaltSize = 1 + MaxSaltSize

// levelFunc returns the level function of a salt: over SHA-256 of the key, or
// of length of the salt, salt, zeros up to levelSaltSize bytes, key.
func levelFunc(digitBits uint8, salt []byte) func([]byte) uint8 {
	if len(salt) == 0 {
		return func(key []byte) uint8 { return leadingZeroDigits(sha256.Sum256(key), digitBits) }
	}
	var prefix [levelSaltSize]byte
	prefix[0] = uint8(len(salt))
	copy(prefix[1:], salt)
	return func(key []byte) uint8 {
		var b [levelSaltSize + 95]byte
		return leadingZeroDigits(sha256.Sum256(append(append(b[:0], prefix[:]...), key...)), digitBits)
	}
}

func leadingZeroDigits(h [sha256.Size]byte, digitBits uint8) uint8 {
	zeros := 0
	for _, b := range h {
		zeros += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return uint8(min(zeros/int(digitBits), maxLevel))
}

// maxLevel bounds levels at base 2, where a hash could have 256 zero digits.
const maxLevel = 255
