package sim

// slab keeps values that events refer to by a number, so that events hold no
// pointers. A slot that was freed last is used first: it is still in the cache.
type slab[T any] struct {
	slots []T
	free  []uint32
}

func (s *slab[T]) put(v T) uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.slots[i] = v
		return i
	}
	s.slots = append(s.slots, v)
	return uint32(len(s.slots) - 1)
}

// take empties slot i and returns what was in it.
func (s *slab[T]) take(i uint32) T {
	v := s.slots[i]
	var zero T
	s.slots[i] = zero
	s.free = append(s.free, i)
	return v
}

// used is the number of slots that hold a value.
func (s *slab[T]) used() int { return len(s.slots) - len(s.free) }
