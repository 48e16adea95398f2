package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// axis is the range and the ticks of one axis.
type axis struct {
	min, max float64
	log      bool
	ticks    plot.ConstantTicks
}

// niceSteps are the multiples of powers of ten that people count in.
var niceSteps = [...]float64{1, 2, 2.5, 5, 10}

// linearAxis spans lo to hi with about seven ticks, widened to whole ticks
// where the range is free (not fixed by the user or by nature).
func linearAxis(lo, hi float64, fixLo, fixHi bool) axis {
	if lo == hi {
		pad := math.Max(math.Abs(lo)*0.1, 0.5)
		if !fixLo {
			lo -= pad
		}
		if !fixHi || lo == hi {
			hi += pad
		}
	}
	const most = 7
	raw := (hi - lo) / most
	magnitude := math.Pow(10, math.Floor(math.Log10(raw)))
	step := magnitude * 10
	for _, nice := range niceSteps {
		if s := nice * magnitude; s >= raw*(1-1e-9) {
			step = s
			break
		}
	}
	first, last := math.Ceil(lo/step-1e-6), math.Floor(hi/step+1e-6)
	if !fixLo {
		first = math.Floor(lo/step + 1e-6)
		lo = first * step
	}
	if !fixHi {
		last = math.Ceil(hi/step - 1e-6)
		hi = last * step
	}
	a := axis{min: lo, max: hi}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if !whole(step * math.Pow(10, float64(decimals))) {
		decimals++
	}
	for k := first; k <= last; k++ {
		a.ticks = append(a.ticks, plot.Tick{Value: k * step, Label: tickLabel(k*step, decimals)})
	}
	return a
}

func whole(v float64) bool { return math.Abs(v-math.Round(v)) < 1e-6 }

func tickLabel(v float64, decimals int) string {
	abs := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case abs >= 1e7 || decimals > 5:
		return powerLabel(v)
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	return strings.ReplaceAll(groupThousands(text), "\u202f", " ")
}

// powerLabel writes a number with its power of ten: "2·10^7" without a font's
// need for superscripts.
func powerLabel(v float64) string {
	exponent := math.Floor(math.Log10(math.Abs(v)) + 1e-9)
	mantissa := v / math.Pow(10, exponent)
	return strconv.FormatFloat(math.Round(mantissa*1000)/1000, 'g', -1, 64) + "e" + strconv.Itoa(int(exponent))
}

// maxValueTicks is how many data values an axis labels one by one.
const maxValueTicks = 10

// logAxis spans lo to hi, both above zero. With few values, as on a sweep's x
// axis, the ticks are these; else powers of ten, and 2 and 5 between them when
// there are few.
func logAxis(lo, hi float64, values []float64) axis {
	room := math.Max(math.Pow(hi/lo, 0.035), 1.05)
	a := axis{log: true, min: lo / room, max: hi * room}
	if len(values) > 0 && len(values) <= maxValueTicks {
		a.ticks = valueTicks(values, math.Log(a.max/a.min))
		return a
	}
	if len(values) == 0 {
		a.min, a.max = logFloor(lo), logCeil(hi)
		if a.max <= a.min*(1+1e-6) {
			a.min, a.max = a.min/2, a.max*2
		}
	}
	decades := math.Log10(a.max / a.min)
	for k := math.Floor(math.Log10(a.min)); k <= math.Ceil(math.Log10(a.max)); k++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, k)
			if v < a.min*(1-1e-9) || v > a.max*(1+1e-9) {
				continue
			}
			label := ""
			if m == 1 || decades <= 1.6 && (m == 2 || m == 5) || decades <= 0.7 {
				label = logLabel(v)
			}
			if label != "" || decades <= 6 {
				a.ticks = append(a.ticks, plot.Tick{Value: v, Label: label})
			}
		}
	}
	return a
}

// logFloor is the nearest 1, 2 or 5 times a power of ten that is not above v.
func logFloor(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range [...]float64{5, 2, 1} {
		if m*p <= v*(1+1e-9) {
			return m * p
		}
	}
	return p
}

func logCeil(v float64) float64 { return 1 / logFloor(1/v) }

func logLabel(v float64) string {
	if v >= 1e6 || v < 1e-4 {
		return powerLabel(v)
	}
	return strings.ReplaceAll(groupThousands(strconv.FormatFloat(v, 'g', 6, 64)), "\u202f", " ")
}

// valueTicks labels each value, less those too close to their neighbour on a
// logarithmic axis that spans width.
func valueTicks(values []float64, width float64) plot.ConstantTicks {
	sorted := slices.Compact(slices.Sorted(slices.Values(values)))
	var ticks plot.ConstantTicks
	last := math.Inf(-1)
	for _, v := range sorted {
		label := ""
		if math.Log(v)-last > width*0.06 {
			label, last = logLabel(v), math.Log(v)
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// nominalAxis names the positions 0, 1, 2, ...
func nominalAxis(names []string) axis {
	a := axis{min: -0.5, max: float64(len(names)) - 0.5}
	for i, name := range names {
		a.ticks = append(a.ticks, plot.Tick{Value: float64(i), Label: name})
	}
	return a
}

func (a axis) String() string { return fmt.Sprintf("[%g, %g]", a.min, a.max) }
