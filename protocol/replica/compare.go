package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/mst"
)

// How a session finds what differs: Config.Compare. All but the first are
// yardsticks for it.
const (
	compareMST    = "mst"    // a walk down the peer's Merkle Search Tree
	compareMerkle = "merkle" // the leaves of a flat Merkle tree, as in Cassandra
	compareFull   = "full"   // not at all: everything is sent, as in memberlist's push-pull
)

const (
	// leafSize is the size of a leaf, in bytes.
	leafSize = digestSize
	// maxDepth bounds Config.MerkleDepth.
	maxDepth = 20
	// compareStep is how many keys are looked at before others have their turn.
	compareStep = 1 << 16
)

// leaf is the hash of what is in a bucket of keys; zero for nothing.
type leaf [leafSize]byte

// flat is a session that compares leaves, or nothing. Who answers sends what it
// has, in the order of keys; who began holds that against its own keys as it
// comes, and then sends what it has itself.
type flat struct {
	mine     []leaf   // of this node, as long as they are compared
	next     int      // leaf to come
	buckets  []uint32 // that differ, ascending; nil for all
	round    uint64   // of the question; 0 if there was none yet
	complete bool     // all that was to come has come
	// from is where those keys begin that nothing has come for yet.
	from []byte
	// lacks are keys of this node that the peer has not.
	lacks [][]byte
}

// bucketOf is the bucket of a key: the first bits of its hash.
func bucketOf(key []byte, depth int) uint32 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint32(sum[:]) >> (32 - depth)
}

// leavesOf returns the leaves of a tree's contents. A leaf takes in the keys of
// its bucket in their order: H(H(H(zeros, key, digest), key, digest), ...).
func leavesOf(t mst.Tree, depth int) []leaf {
	leaves := make([]leaf, 1<<depth)
	var b []byte
	t.Range(nil, nil, func(key []byte, digest mst.Digest) bool {
		l := &leaves[bucketOf(key, depth)]
		b = append(append(append(b[:0], l[:]...), key...), digest[:digestSize]...)
		sum := sha256.Sum256(b)
		copy(l[:], sum[:])
		return true
	})
	return leaves
}

// compared reports whether what is under a key is exchanged.
func (n *Node) compared(buckets []uint32, key []byte) bool {
	if buckets == nil {
		return true
	}
	_, ok := slices.BinarySearch(buckets, bucketOf(key, n.cfg.MerkleDepth))
	return ok
}

// compareFlat has the one who answers say what it has.
func (n *Node) compareFlat(s *session, root mst.Hash) {
	switch {
	case n.cfg.Compare == compareFull:
		s.queue(&stateJob{round: 1})
	case n.cfg.Compare == compareMerkle && root != s.mine.Root():
		s.queue(&leavesJob{})
	}
}

// awaitFlat has the one who began wait for that.
func (n *Node) awaitFlat(s *session, root mst.Hash) {
	s.flat = &flat{complete: n.cfg.Compare == compareMerkle && root == s.mine.Root()}
	if n.cfg.Compare == compareFull {
		s.flat.round = s.round
	}
}

// leaves finds the buckets that differ. When all leaves have come, it asks for
// what is in these.
func (n *Node) leaves(env protocol.Env, s *session, m *Leaves) {
	f := s.flat
	if f == nil || f.round > 0 || f.complete || m.First != uint64(f.next) || len(m.Leaves) > 1<<n.cfg.MerkleDepth-f.next {
		n.abort(env, s, BrokenMalformed)
		return
	}
	if f.mine == nil {
		f.mine = leavesOf(s.mine, n.cfg.MerkleDepth)
	}
	for _, l := range m.Leaves {
		if l != f.mine[f.next] {
			f.buckets = append(f.buckets, uint32(f.next))
		}
		f.next++
	}
	if f.next < len(f.mine) {
		return
	}
	f.mine = nil
	if len(f.buckets) == 0 { // although the roots differ
		n.abort(env, s, BrokenMalformed)
		return
	}
	f.round = s.round + 1
	s.queue(ready{&Buckets{Session: s.id, Round: f.round, Buckets: f.buckets}})
}

// buckets answers with what is in buckets. It does so once.
func (n *Node) buckets(env protocol.Env, s *session, m *Buckets) {
	if n.cfg.Compare != compareMerkle || s.flat != nil || m.Round == 0 || m.Buckets[len(m.Buckets)-1] >= 1<<n.cfg.MerkleDepth {
		n.abort(env, s, BrokenMalformed)
		return
	}
	s.flat = &flat{buckets: m.Buckets}
	s.queue(&stateJob{buckets: m.Buckets, round: m.Round})
}

// state takes what the peer has, in the order of keys.
func (n *Node) state(env protocol.Env, s *session, m *Entries) {
	if !s.flat.expects(m.Round) {
		n.abort(env, s, BrokenMalformed)
		return
	}
	s.round = m.Round
	for _, i := range m.Items {
		if bytes.Compare(i.Key, s.flat.from) < 0 || !n.compared(s.flat.buckets, i.Key) {
			n.abort(env, s, BrokenMalformed)
			return
		}
		n.passOver(s, i.Key)
		s.flat.from = append(bytes.Clone(i.Key), 0)
	}
	n.fetchedEntries(env, s, m.Items)
}

// last notes that there is no more to come, and sends what this node has.
func (n *Node) last(env protocol.Env, s *session, m *Last) {
	f := s.flat
	// What was lost on the way must not be taken for what the peer has not.
	if !f.expects(m.Round) || m.Sent+1 != s.heard {
		n.abort(env, s, BrokenMalformed)
		return
	}
	s.round = m.Round
	n.passOver(s, nil)
	f.complete = true
	s.queue(&stateJob{buckets: f.buckets, lacks: f.lacks})
	f.lacks = nil
}

func (f *flat) expects(round uint64) bool {
	return f != nil && !f.complete && f.round > 0 && round == f.round
}

// passOver notes that the peer has none of this node's keys before one, nil for
// the end.
func (n *Node) passOver(s *session, key []byte) {
	s.mine.Range(s.flat.from, key, func(own []byte, _ mst.Digest) bool {
		if n.compared(s.flat.buckets, own) {
			s.flat.lacks = append(s.flat.lacks, own)
		}
		return true
	})
}

// leavesJob sends the leaves of the contents as they were when the session
// began.
type leavesJob struct {
	leaves []leaf
	first  int // that is to be sent
}

func (j *leavesJob) next(n *Node, _ protocol.Env, s *session) (protocol.Message, bool, error) {
	if j.leaves == nil {
		j.leaves = leavesOf(s.mine, n.cfg.MerkleDepth)
	}
	m := &Leaves{Session: s.id, First: uint64(j.first)}
	end := min(j.first+n.cfg.chunk()/leafSize, len(j.leaves))
	m.Leaves = j.leaves[j.first:end:end]
	j.first = end
	return m, end == len(j.leaves), nil
}

// stateJob sends what is under the keys that the node had when the session
// began: to answer, and then it says when that was all, or to bring the peer
// what it lacks or may lack (round 0).
type stateJob struct {
	buckets []uint32 // nil for all
	round   uint64
	lacks   [][]byte // keys that the peer has not, ascending
	from    []byte
}

func (j *stateJob) next(n *Node, env protocol.Env, s *session) (m protocol.Message, done bool, err error) {
	p := packer{limit: n.cfg.chunk()}
	looked := 0
	var next []byte
	done = true
	s.mine.Range(j.from, nil, func(key []byte, _ mst.Digest) bool {
		looked++
		if done = looked <= compareStep; !done {
			return false
		}
		if n.compared(j.buckets, key) {
			if done, err = j.add(n, env, s, &p, key); !done {
				return false
			}
		}
		next = key
		return true
	})
	if err != nil {
		return nil, true, err
	}
	if next != nil {
		j.from = append(bytes.Clone(next), 0)
	}
	if done && j.round > 0 {
		s.queue(lastJob{j.round})
	}
	return p.message(s, j.round), done, nil
}

// add returns false if the key has to wait for the next message.
func (j *stateJob) add(n *Node, env protocol.Env, s *session, p *packer, key []byte) (bool, error) {
	e, raw, err := n.load(env, key)
	if err != nil {
		return false, err
	}
	lacks := len(j.lacks) > 0 && bytes.Equal(j.lacks[0], key)
	if lacks {
		raw = n.without(env, s, key, e, raw)
	}
	if raw != nil && !p.add(Item{key, raw}) {
		return false, nil
	}
	if lacks {
		j.lacks = j.lacks[1:]
	}
	return true, nil
}

// lastJob says that all was sent.
type lastJob struct{ round uint64 }

func (j lastJob) next(_ *Node, _ protocol.Env, s *session) (protocol.Message, bool, error) {
	return &Last{Session: s.id, Round: j.round, Sent: s.sent}, true, nil
}
