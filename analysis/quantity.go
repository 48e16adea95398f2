package analysis

import (
	"strconv"
	"strings"
	"time"
)

// number reads a swept value as a number for an axis: "1000", "1.5s" (in
// seconds), "5%" (in per cent), "1400B" and its multiples. The unit is what an
// axis says.
func number(text string) (value float64, unit string, ok bool) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, "", true
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds(), "s", true
	}
	for _, u := range axisUnits {
		if rest, found := strings.CutSuffix(text, u.suffix); found {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err == nil {
				return v * u.factor, u.unit, true
			}
		}
	}
	return 0, "", false
}

// axisUnits are tried in order: longer suffixes first.
var axisUnits = []struct {
	suffix, unit string
	factor       float64
}{
	{"%", "%", 1},
	{"Gbit/s", "Mbit/s", 1000},
	{"Mbit/s", "Mbit/s", 1},
	{"kbit/s", "Mbit/s", 1e-3},
	{"bit/s", "Mbit/s", 1e-6},
	{"GiB", "B", 1 << 30},
	{"MiB", "B", 1 << 20},
	{"KiB", "B", 1 << 10},
	{"GB", "B", 1e9},
	{"MB", "B", 1e6},
	{"kB", "B", 1e3},
	{"B", "B", 1},
	{"/s", "1/s", 1},
	{"/m", "1/s", 1.0 / 60},
	{"/h", "1/s", 1.0 / 3600},
}

// sameValue compares two swept values as text and, failing that, as numbers
// of the same unit: "1s" is "1000ms".
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, unitX, okX := number(a)
	y, unitY, okY := number(b)
	if unitX == "%" && unitY == "" {
		x, unitX = x/100, ""
	}
	if unitY == "%" && unitX == "" {
		y, unitY = y/100, ""
	}
	return okX && okY && unitX == unitY && x == y
}
