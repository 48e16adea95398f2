package maprange

import (
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
)

type byLength []string

func (b byLength) Len() int           { return len(b) }
func (b byLength) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLength) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

type pair struct {
	name  string
	count int
}

func through(f func(map[string]int) iter.Seq[string], m map[string]int) iter.Seq[string] { return f(m) }

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func guarded(m map[string]int, dead map[string]bool, n uint8) []pair {
	var out []pair
	for k, v := range m {
		if v > int(n) && !dead[k] {
			out = append(out, pair{k, v})
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return out
}

func twoMaps(a, b map[string]int) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		keys = append(keys, k)
	}
	sort.Sort(byLength(keys))
	return keys
}

func manyMaps(ms []map[string]int) []string {
	var keys []string
	for _, m := range ms {
		for k := range m {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

func eachMap(ms []map[string]int, use func([]string)) {
	var keys []string
	for _, m := range ms {
		keys = keys[:0]
		for k := range m {
			keys = append(keys, k)
		}
		sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
		use(keys)
	}
}

func inACase(m map[string]int, n int) []string {
	var keys []string
	switch n {
	case 1:
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
	}
	return keys
}

func converted(m map[string]int) map[string]float64 {
	out := map[string]float64{}
	for k, v := range m {
		out[k] = float64(v)
	}
	return out
}

func less(m map[string]int, without []string) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		if !slices.Contains(without, k) {
			out[k] = v
		}
	}
	return out
}

func counted(m map[string]int) (n int) {
	for range m {
		n++
	}
	return n
}

func iterated(m map[string]int) []string {
	all := slices.Sorted(maps.Keys(m))
	some := slices.Collect(maps.Keys(m))
	slices.Sort(some)
	more := []string{}
	more = slices.AppendSeq(more, maps.Keys(m))
	sort.Strings(more)
	return append(append(all, some...), more...)
}

func notAMap(s []string, a [3]int, f func(func(int) bool), use func(int)) {
	for i := range s {
		use(i)
	}
	for i := range a {
		use(i)
	}
	for i := range 3 {
		use(i)
	}
	for i := range f {
		use(i)
	}
}
