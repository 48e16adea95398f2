package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Metric is an entry of the catalogue.
type Metric struct {
	// Name is the metric's base name; what forms its full names take is said
	// by the fields below.
	Name string `json:"name"`
	// Label is the short name that figures and reports use.
	Label string `json:"label"`
	// Unit is "s", "share" (0 to 1), "count", "1/s", "B", "B/s" or "score".
	Unit       string `json:"unit"`
	Definition string `json:"definition"`
	// Source is the paper and section, or the seed, that asks for it.
	Source string `json:"source"`

	// Scalar: Name itself is a value in summary.json.
	Scalar bool `json:"scalar,omitempty"`
	// Suffixes: Name.<suffix> are values in summary.json: "mean", "p50",
	// "p90", "p99", "max", "min".
	Suffixes []string `json:"suffixes,omitempty"`
	// Grouped: Name.<group> are values in summary.json, where the group is a
	// message kind, a loss reason, an event.
	Grouped bool `json:"grouped,omitempty"`
	// Series: Name is a time series in metrics.csv.
	Series bool `json:"series,omitempty"`
	// Samples: Name is in metrics.csv with one row per measured case (X is
	// when the case began), of which the suffixed values are the summary.
	// Cases that had no end within the run stand under Name.unfinished with
	// the time for which they were watched.
	Samples bool `json:"samples,omitempty"`
	// Links: Name is in metrics.csv as the links of a graph, for a picture: X
	// and Y are the indexes of the nodes at their ends.
	Links bool `json:"links,omitempty"`
}

// suffixUnfinished marks the censored samples of a distribution.
const suffixUnfinished = ".unfinished"

// FullNames returns the names of the metric's values in summary.json; groups
// appear as "<group>".
func (m Metric) FullNames() []string {
	var names []string
	if m.Scalar {
		names = append(names, m.Name)
	}
	for _, s := range m.Suffixes {
		names = append(names, m.Name+"."+s)
	}
	if m.Grouped {
		names = append(names, m.Name+".<group>")
	}
	return names
}

// Use is what a metric's name is wanted for.
type Use uint8

const (
	// UseValue: a value of summary.json, for expectations, tables and sweeps.
	UseValue Use = iota
	// UseSeries: a time series.
	UseSeries
	// UseSamples: the samples of a distribution.
	UseSamples
)

// Catalogue returns every metric, sorted by name. The caller may change the
// slice.
func Catalogue() []Metric {
	all := slices.Concat(worldMetrics(), swimMetrics(), broadcastMetrics(), overlayMetrics(), replicaMetrics(), netMetrics(), storeMetrics(), engineMetrics())
	slices.SortFunc(all, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Lookup finds the metric that a name belongs to: a full name of a value
// ("swim.detect_all_s.p50"), of a series or of samples.
func Lookup(name string) (Metric, bool) {
	for _, use := range []Use{UseValue, UseSeries, UseSamples} {
		if m, ok := lookup(name, use); ok {
			return m, true
		}
	}
	return Metric{}, false
}

func known(name string, use Use) bool {
	_, ok := lookup(name, use)
	return ok
}

func lookup(name string, use Use) (Metric, bool) {
	for _, m := range Catalogue() {
		switch {
		case use == UseValue && m.isValue(name),
			use == UseSeries && m.Series && m.Name == name,
			use == UseSamples && m.Samples && m.Name == strings.TrimSuffix(name, suffixUnfinished):
			return m, true
		}
	}
	return Metric{}, false
}

func (m Metric) isValue(name string) bool {
	if m.Scalar && name == m.Name {
		return true
	}
	rest, ok := strings.CutPrefix(name, m.Name+".")
	if !ok || rest == "" {
		return false
	}
	return m.Grouped || slices.Contains(m.Suffixes, rest)
}

// CheckName returns what is wrong with a metric's name in some use; its error
// names the nearest name that would do.
func CheckName(name string, use Use) error {
	if _, ok := lookup(name, use); ok {
		return nil
	}
	what := [...]string{"metric", "time series", "distribution"}[use]
	if near := nearest(name, use); near != "" {
		return fmt.Errorf("unknown %s %q; the nearest is %q (simrun metrics lists all)", what, name, near)
	}
	return fmt.Errorf("unknown %s %q (simrun metrics lists all)", what, name)
}

// Names returns all names that are known for a use, sorted; groups appear as
// "<group>".
func Names(use Use) []string {
	var names []string
	for _, m := range Catalogue() {
		switch {
		case use == UseValue:
			names = append(names, m.FullNames()...)
		case use == UseSeries && m.Series, use == UseSamples && m.Samples:
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Nearest returns the known name of a value or series that is nearest to a
// mistyped one, or "" if none is near: at most a third of its letters differ, or
// it is one with its suffix left out.
func Nearest(name string) string {
	if near := nearest(name, UseValue); near != "" {
		return near
	}
	return nearest(name, UseSeries)
}

func nearest(name string, use Use) string {
	if mean := name + ".mean"; use == UseValue && known(mean, use) {
		return mean
	}
	best, distance := "", len(name)/3+1
	for _, candidate := range Names(use) {
		if d := editDistance(name, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
