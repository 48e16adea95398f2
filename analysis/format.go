package analysis

import (
	"math"
	"strconv"
	"strings"
)

// significantDigits are what results keep. The last bits of a float64 depend on
// how an architecture fuses its multiplications; files shall not.
const significantDigits = 12

// rounded keeps the significant digits of v.
func rounded(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', significantDigits, 64), 64)
	if err != nil { // of a number just formatted: cannot be
		return v
	}
	return r
}

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

// formatCI writes a mean with its interval: two significant digits of the
// interval, and as many decimals of the mean, since more would say nothing.
func formatCI(mean, ci float64) string {
	if math.IsNaN(mean) || math.IsNaN(ci) || math.IsInf(ci, 0) {
		return FormatValue(mean)
	}
	if ci == 0 {
		return FormatValue(mean) + " ± 0"
	}
	decimals := 1 - int(math.Floor(math.Log10(ci)))
	if decimals > 9 {
		return FormatValue(mean) + " ± " + FormatValue(ci)
	}
	fixed := func(v float64) string {
		if decimals < 0 {
			unit := math.Pow(10, float64(-decimals))
			v = math.Round(v/unit) * unit
		}
		return groupThousands(strconv.FormatFloat(v, 'f', max(0, decimals), 64))
	}
	return fixed(mean) + " ± " + fixed(ci)
}
