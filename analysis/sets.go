package analysis

import "slices"

// bitset is a fixed set of node indexes.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) clone() bitset { return slices.Clone(b) }

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) remove(i int)   { b[i/64] &^= 1 << (i % 64) }

// smallSetMax is how many members an indexSet keeps in a list; about where the
// list's scan costs as much as a cache miss in a bitset.
const smallSetMax = 16

// indexSet is a set of node indexes that is usually empty or small: a list
// that turns into a bitset when it grows. The zero value is empty.
type indexSet struct {
	few  []uint32
	many bitset
	n    int
}

func (s *indexSet) has(i int) bool {
	if s.many != nil {
		return s.many.has(i)
	}
	return s.find(i) >= 0
}

func (s *indexSet) find(i int) int {
	for k, v := range s.few {
		if v == uint32(i) {
			return k
		}
	}
	return -1
}

// add puts i, below universe, into the set and reports whether it was not
// there.
func (s *indexSet) add(i, universe int) bool {
	if s.has(i) {
		return false
	}
	s.n++
	if s.many == nil && len(s.few) < smallSetMax {
		s.few = append(s.few, uint32(i))
		return true
	}
	if s.many == nil {
		s.many = newBitset(universe)
		for _, v := range s.few {
			s.many.add(int(v))
		}
		s.few = nil
	}
	s.many.add(i)
	return true
}

// remove takes i out of the set and reports whether it was there.
func (s *indexSet) remove(i int) bool {
	if !s.has(i) {
		return false
	}
	s.n--
	if s.many != nil {
		s.many.remove(i)
		return true
	}
	k, last := s.find(i), len(s.few)-1
	s.few[k] = s.few[last]
	s.few = s.few[:last]
	return true
}

// sets maps a node index to an indexSet; absent means empty.
type sets struct {
	universe int
	m        map[int]*indexSet
}

func newSets(universe int) sets { return sets{universe: universe, m: map[int]*indexSet{}} }

func (s sets) add(key, i int) bool {
	set := s.m[key]
	if set == nil {
		set = new(indexSet)
		s.m[key] = set
	}
	return set.add(i, s.universe)
}

func (s sets) has(key, i int) bool {
	set := s.m[key]
	return set != nil && set.has(i)
}

func (s sets) remove(key, i int) bool {
	set := s.m[key]
	return set != nil && set.remove(i)
}

func (s sets) clear(key int) { delete(s.m, key) }

func (s sets) count(key int) int {
	if set := s.m[key]; set != nil {
		return set.n
	}
	return 0
}
