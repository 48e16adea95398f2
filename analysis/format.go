package analysis

import (
	"math"
	"strconv"
	"strings"
)

// FormatValue writes a value for people: four significant digits, thousands
// separated, "–" for none.
func FormatValue(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v == 0:
		return "0"
	}
	abs := math.Abs(v)
	if abs < 1e-4 || abs >= 1e15 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := max(0, 3-int(math.Floor(math.Log10(abs))))
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return groupThousands(text)
}

// groupThousands puts narrow gaps (as the SI wants them) into the digits before
// the point of numbers with five or more of them.
func groupThousands(text string) string {
	sign, digits := "", text
	if strings.HasPrefix(text, "-") {
		sign, digits = "-", text[1:]
	}
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	if len(whole) > 4 {
		var parts []string
		for len(whole) > 3 {
			parts = append([]string{whole[len(whole)-3:]}, parts...)
			whole = whole[:len(whole)-3]
		}
		whole = strings.Join(append([]string{whole}, parts...), "\u202f")
	}
	if hasFraction {
		whole += "." + fraction
	}
	return sign + whole
}

// formatCI writes a mean with its interval.
func formatCI(mean, ci float64) string {
	if math.IsNaN(ci) || math.IsNaN(mean) {
		return FormatValue(mean)
	}
	return FormatValue(mean) + " ± " + FormatValue(ci)
}
