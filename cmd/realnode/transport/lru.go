package transport

import "container/list"

// lru is a bounded table that forgets what was not looked at for longest.
type lru[K comparable, V any] struct {
	size  int
	index map[K]*list.Element
	order list.List // of *entry[K, V], the latest in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, index: make(map[K]*list.Element)}
}

func (l *lru[K, V]) get(k K) (v V, ok bool) {
	e, ok := l.index[k]
	if !ok {
		return v, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

func (l *lru[K, V]) put(k K, v V) {
	if e, ok := l.index[k]; ok {
		l.order.MoveToFront(e)
		e.Value.(*entry[K, V]).value = v
		return
	}
	if len(l.index) >= l.size {
		last := l.order.Back()
		delete(l.index, last.Value.(*entry[K, V]).key)
		l.order.Remove(last)
	}
	l.index[k] = l.order.PushFront(&entry[K, V]{k, v})
}
