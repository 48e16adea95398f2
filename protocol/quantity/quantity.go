// Package quantity holds the quantities that people write with their units in
// scenarios and configurations: durations, shares, sizes and rates. All are
// integers inside, so that nothing between a seed and a trace is floating
// point.
package quantity

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
	"time"
)

// Duration is a time.Duration written as Go writes one: "1s", "250ms", "2m30s".
type Duration time.Duration

// Std returns d as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the shortest form: "2m" and not "2m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration with its unit. Negative ones are refused.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("got %q, want a duration with its unit, such as \"250ms\", \"1s\" or \"2m30s\"", b)
	}
	if v < 0 {
		return fmt.Errorf("got %q, want a duration that is not negative", b)
	}
	*d = Duration(v)
	return nil
}

// shareDenominator is the resolution of a Share: a billionth of a percent.
const shareDenominator = 100_000_000_000

// Share is a part of a whole, or a probability: 0 to 100 %, in steps of 10^-11,
// written "5%" or "0.01%". A bare number such as "0.05" is also read as a
// fraction.
type Share struct {
	n uint64 // of shareDenominator
}

// Percent returns a share of p per cent, at most 100.
func Percent(p uint64) Share { return Share{n: min(p, 100) * (shareDenominator / 100)} }

// Threshold returns the share of 2^64, at most 2^64-1: a uniform 64-bit number
// is below it with the share's probability.
func (s Share) Threshold() uint64 {
	if s.n >= shareDenominator {
		return ^uint64(0)
	}
	q, _ := bits.Div64(s.n, 0, shareDenominator)
	return q
}

// Of returns the share of n, rounded to the nearest whole number, halves up.
func (s Share) Of(n int) int {
	hi, lo := bits.Mul64(s.n, uint64(n))
	lo, carry := bits.Add64(lo, shareDenominator/2, 0)
	q, _ := bits.Div64(hi+carry, lo, shareDenominator)
	return int(q)
}

// IsZero reports whether the share is 0 %.
func (s Share) IsZero() bool { return s.n == 0 }

// Float returns the share as a fraction between 0 and 1, for printing and
// statistics only.
func (s Share) Float() float64 {
	return float64(s.n) / shareDenominator //starling:exempt float never read back by anything that decides a run
}

// String returns the share in per cent.
func (s Share) String() string {
	unit := uint64(shareDenominator / 100)
	out := fmt.Sprintf("%d.%09d", s.n/unit, s.n%unit)
	return strings.TrimRight(strings.TrimRight(out, "0"), ".") + "%"
}

// MarshalText writes what UnmarshalText reads.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "5%" or "0.05".
func (s *Share) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	number, percent := strings.CutSuffix(text, "%")
	r, ok := parseDecimal(strings.TrimSpace(number))
	if !ok {
		return fmt.Errorf("got %q, want a share between \"0%%\" and \"100%%\"", b)
	}
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	if r.Sign() < 0 || r.Cmp(big.NewRat(1, 1)) > 0 {
		return fmt.Errorf("got %q, want a share between \"0%%\" and \"100%%\"", b)
	}
	r.Mul(r, big.NewRat(shareDenominator, 1))
	if !r.IsInt() {
		return fmt.Errorf("got %q, want at most 9 digits after the point of a percentage", b)
	}
	s.n = r.Num().Uint64()
	return nil
}

// Size is a number of bytes, written "1400B", "32KiB", "1MB".
type Size int64

var sizeUnits = []unit{
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"KB", 1e3},
	{"B", 1},
}

// String returns the size in the largest unit that divides it.
func (s Size) String() string { return formatUnits(int64(s), sizeUnits) }

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a size with its unit.
func (s *Size) UnmarshalText(b []byte) error {
	v, ok := parseUnits(string(b), sizeUnits)
	if !ok {
		return fmt.Errorf("got %q, want a size with its unit, such as \"1400B\", \"32KiB\" or \"1MB\"", b)
	}
	*s = Size(v)
	return nil
}

// Bandwidth is a number of bits per second, written "50Mbit/s", "1Gbit/s".
type Bandwidth int64

var bandwidthUnits = []unit{
	{"Gbit/s", 1e9},
	{"Mbit/s", 1e6},
	{"kbit/s", 1e3},
	{"Kbit/s", 1e3},
	{"Gbps", 1e9},
	{"Mbps", 1e6},
	{"kbps", 1e3},
	{"Kbps", 1e3},
	{"bit/s", 1},
	{"bps", 1},
}

// String returns the bandwidth in the largest unit that divides it.
func (w Bandwidth) String() string { return formatUnits(int64(w), bandwidthUnits) }

// MarshalText writes what UnmarshalText reads.
func (w Bandwidth) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a bandwidth with its unit.
func (w *Bandwidth) UnmarshalText(b []byte) error {
	v, ok := parseUnits(string(b), bandwidthUnits)
	if !ok {
		return fmt.Errorf("got %q, want a bandwidth with its unit, such as \"50Mbit/s\"", b)
	}
	*w = Bandwidth(v)
	return nil
}

// Rate is how often something happens, written "2/s", "5/m", "0.2/s", "10/h".
// Inside it is the mean interval between two occurrences.
type Rate struct {
	every time.Duration
}

// Every returns the rate of once per interval.
func Every(interval time.Duration) Rate { return Rate{every: interval} }

// Interval returns the mean time between two occurrences, zero if it never
// happens.
func (r Rate) Interval() time.Duration { return r.every }

// String returns the rate per second, minute or hour, whichever is a whole
// number, else as one per interval.
func (r Rate) String() string {
	if r.every <= 0 {
		return "0/s"
	}
	for _, p := range ratePeriods {
		if n := p.period / r.every; n > 0 && (p.period/n == r.every) {
			return fmt.Sprintf("%d/%s", n, p.name)
		}
	}
	return "1/" + Duration(r.every).String()
}

// MarshalText writes what UnmarshalText reads.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var ratePeriods = []struct {
	name   string
	period time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// UnmarshalText reads "2/s" or "1/2m30s".
func (r *Rate) UnmarshalText(b []byte) error {
	bad := fmt.Errorf("got %q, want a rate such as \"2/s\", \"0.5/s\" or \"10/m\"", b)
	number, per, ok := strings.Cut(string(b), "/")
	if !ok {
		return bad
	}
	count, ok := parseDecimal(strings.TrimSpace(number))
	if !ok || count.Sign() < 0 {
		return bad
	}
	per = strings.TrimSpace(per)
	period, err := time.ParseDuration(per)
	if err != nil {
		if period, err = time.ParseDuration("1" + per); err != nil {
			return bad
		}
	}
	if period <= 0 {
		return bad
	}
	if count.Sign() == 0 {
		*r = Rate{}
		return nil
	}
	every := new(big.Rat).Quo(big.NewRat(int64(period), 1), count)
	ns := new(big.Int).Quo(every.Num(), every.Denom())
	if !ns.IsInt64() || ns.Sign() <= 0 {
		return bad
	}
	r.every = time.Duration(ns.Int64())
	return nil
}

type unit struct {
	name string
	n    int64
}

func formatUnits(v int64, units []unit) string {
	for _, u := range units {
		if v != 0 && v%u.n == 0 || u.n == 1 {
			return fmt.Sprintf("%d%s", v/u.n, u.name)
		}
	}
	return fmt.Sprint(v)
}

func parseUnits(text string, units []unit) (int64, bool) {
	text = strings.TrimSpace(text)
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		r, ok := parseDecimal(strings.TrimSpace(number))
		if !ok || r.Sign() < 0 {
			return 0, false
		}
		r.Mul(r, big.NewRat(u.n, 1))
		if !r.IsInt() || !r.Num().IsInt64() {
			return 0, false
		}
		return r.Num().Int64(), true
	}
	return 0, false
}

// parseDecimal reads a plain decimal number exactly; exponents, fractions and
// absurd lengths are refused.
func parseDecimal(text string) (*big.Rat, bool) {
	if text == "" || len(text) > 40 || strings.Trim(text, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}
