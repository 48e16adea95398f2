package global

import (
	"errors"
	"global/lib"
	"regexp"
	"sync"
)

type list struct{ items []int }

func (l *list) add(n int) { l.items = append(l.items, n) }
func (l list) size() int  { return len(l.items) }

var (
	count   int
	cache   = map[string]int{}
	shared  = &list{}
	mu      sync.Mutex
	primes  = []int{2, 3, 5}
	pattern = regexp.MustCompile("a+")
	errGone = errors.New("gone")
)

func bad(s string) *int {
	count++                  // want `global: writes to package-level variable count`
	count = 3                // want `global: writes to package-level variable count`
	cache[s] = 1             // want `global: writes to package-level variable cache`
	delete(cache, s)         // want `global: writes to package-level variable cache`
	clear(cache)             // want `global: writes to package-level variable cache`
	copy(primes[1:], primes) // want `global: writes to package-level variable primes`
	(*shared).items[2] = 3   // want `global: writes to package-level variable shared`
	shared.add(3)            // want `global: method add may change package-level variable shared`
	mu.Lock()                // want `global: method Lock may change package-level variable mu`
	lib.Default.Loud = true  // want `global: writes to package-level variable Default`
	lib.Names[s]++           // want `global: writes to package-level variable Names`
	for count = range 3 {    // want `global: writes to package-level variable count`
	}
	return &primes[0] // want `global: address of package-level variable primes`
}

func fine(s string) (int, error) {
	count := count + cache[s] + primes[1] + shared.size() + lib.Names[s]
	count++
	cache := map[string]int{}
	cache[s] = 3
	var l list
	l.add(3)
	l.items[0] = 3
	_ = errGone.Error()
	if pattern.MatchString(s) {
		return 0, errGone
	}
	return count, nil
}
