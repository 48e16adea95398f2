package maprange

import (
	"maps"
	"reflect"
	"slices"
	"sort"
	"sync"
)

type table map[string]int

func sends(m map[string]int, send func(string)) {
	for k := range m { // want `maprange: range over a map`
		send(k)
	}
}

func named(t table) (last string) {
	for last = range t { // want `maprange: range over a map`
	}
	return last
}

func generic[M ~map[K]V, K comparable, V any](m M, visit func(K)) {
	for k := range m { // want `maprange: range over a map`
		visit(k)
	}
}

func neverSorted(m map[string]int) []string {
	var keys []string
	for k := range m { // want `maprange: range over a map`
		keys = append(keys, k)
	}
	return keys
}

func usedBeforeSorted(m map[string]int) string {
	var keys []string
	for k := range m { // want `maprange: range over a map`
		keys = append(keys, k)
	}
	first := keys[0]
	sort.Strings(keys)
	return first
}

func sortedSometimes(m map[string]int, really bool) []string {
	var keys []string
	for k := range m { // want `maprange: range over a map`
		keys = append(keys, k)
	}
	if really {
		sort.Strings(keys)
	}
	return keys
}

func sortSkipped(ms []map[string]int) []string {
	var keys []string
	for _, m := range ms {
		for k := range m { // want `maprange: range over a map`
			keys = append(keys, k)
		}
		if len(m) == 3 {
			continue
		}
		slices.Sort(keys)
	}
	return keys
}

func seenByTheNextRound(ms []map[string]int) (first string) {
	var keys []string
	for _, m := range ms {
		if len(keys) > 0 {
			first = keys[0]
		}
		for k := range m { // want `maprange: range over a map`
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return first
}

func firstFew(m map[string]int) []string {
	var keys []string
	for k := range m { // want `maprange: range over a map`
		if len(keys) < 3 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func numbersInOrder(m map[string]int, next func() int) []int {
	var out []int
	for range m {
		out = append(out, next())
	}
	for k := range m { // want `maprange: range over a map`
		out = append(out, m[k]+next())
	}
	slices.Sort(out)
	return out
}

func namedResult(m map[string]int) (keys []string) {
	for k := range m { // want `maprange: range over a map`
		keys = append(keys, k)
	}
	if len(m) > 3 {
		return
	}
	slices.Sort(keys)
	return keys
}

func lastWins(m map[string]string) map[string]string {
	inverse := map[string]string{}
	for k, v := range m { // want `maprange: range over a map`
		inverse[v] = k
	}
	return inverse
}

func chases(m map[string]string) {
	for k, v := range m { // want `maprange: range over a map`
		m[k] = m[v]
	}
}

func firstTen(m map[string]int, keep func(string) bool) map[string]int {
	out := map[string]int{}
	for k, v := range m { // want `maprange: range over a map`
		if len(out) < 10 {
			out[k] = v
		}
	}
	for k, v := range m { // want `maprange: range over a map`
		if keep(k) {
			out[k] = v
		}
	}
	for k, v := range m { // want `maprange: range over a map`
		if out[k+"x"] == 0 {
			out[k] = v
		}
	}
	return out
}

func iterators(m map[string]int, same func(a, b int) bool) {
	for k := range maps.Keys(m) { // want `maprange: maps.Keys`
		_ = k
	}
	_ = slices.Collect(maps.Values(m))                         // want `maprange: maps.Values`
	maps.Collect(maps.All(m))                                  // want `maprange: maps.All`
	maps.EqualFunc(m, m, same)                                 // want `maprange: maps.EqualFunc`
	maps.DeleteFunc(m, func(string, int) bool { return true }) // want `maprange: maps.DeleteFunc`
	_ = slices.Sorted(through(maps.Keys[map[string]int], m))   // want `maprange: maps.Keys`
}

func collectedIterator(m map[string]int) []string {
	keys := slices.Collect(maps.Keys(m)) // want `maprange: maps.Keys`
	return keys
}

func reflected(v reflect.Value) {
	for it := v.MapRange(); it.Next(); { // want `maprange: reflect.Value.MapRange`
	}
	_ = v.MapKeys() // want `maprange: reflect.Value.MapKeys`
}

func synced(m *sync.Map) { // want `goroutine: sync.Map`
	m.Range(func(k, v any) bool { return true }) // want `maprange: sync.Map.Range`
}
