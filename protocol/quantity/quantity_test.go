package quantity_test

import (
	"encoding"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/quantity"
)

func TestTextForms(t *testing.T) {
	var (
		d quantity.Duration
		s quantity.Share
		z quantity.Size
		w quantity.Bandwidth
		r quantity.Rate
	)
	for _, c := range []struct {
		into encoding.TextUnmarshaler
		text string
		want string // canonical form; empty: refused
	}{
		{&d, "250ms", "250ms"},
		{&d, "120s", "2m"},
		{&d, "1h", "1h"},
		{&d, "90m", "1h30m"},
		{&d, "0s", "0s"},
		{&d, "-1s", ""},
		{&d, "5", ""},
		{&d, "five seconds", ""},
		{&s, "5%", "5%"},
		{&s, "0.05", "5%"},
		{&s, "0.01%", "0.01%"},
		{&s, "100%", "100%"},
		{&s, "1", "100%"},
		{&s, "120%", ""},
		{&s, "-1%", ""},
		{&s, "1.5", ""},
		{&s, "1/3", ""},
		{&s, "1e-2", ""},
		{&s, "", ""},
		{&s, "0.0000000001%", ""},
		{&z, "1400B", "1400B"},
		{&z, "32KiB", "32KiB"},
		{&z, "1.5KiB", "1536B"},
		{&z, "1MB", "1MB"},
		{&z, "0.5B", ""},
		{&z, "12", ""},
		{&z, "-1B", ""},
		{&w, "50Mbit/s", "50Mbit/s"},
		{&w, "1Gbps", "1Gbit/s"},
		{&w, "1000kbit/s", "1Mbit/s"},
		{&w, "50MB/s", ""},
		{&r, "2/s", "2/s"},
		{&r, "5/m", "5/m"},
		{&r, "0.5/s", "30/m"},
		{&r, "1/2m30s", "24/h"},
		{&r, "0/s", "0/s"},
		{&r, "1/700ms", "1/700ms"},
		{&r, "2", ""},
		{&r, "-2/s", ""},
		{&r, "2/fortnight", ""},
		{&r, "1/0s", ""},
	} {
		err := c.into.UnmarshalText([]byte(c.text))
		if c.want == "" {
			if err == nil {
				t.Errorf("%T %q: accepted", c.into, c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%T %q: %v", c.into, c.text, err)
			continue
		}
		got, err := c.into.(encoding.TextMarshaler).MarshalText()
		if err != nil || string(got) != c.want {
			t.Errorf("%T %q: got %q, %v, want %q", c.into, c.text, got, err, c.want)
		}
	}
}

func TestDurationTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := quantity.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "ns"))
		var got quantity.Duration
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%q: got %d, %v, want %d", want.String(), got, err, want)
		}
	})
}

func TestRateTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := quantity.Every(time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "ns")))
		var got quantity.Rate
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%q: got %v, %v, want %v", want.String(), got.Interval(), err, want.Interval())
		}
	})
}

func TestShareOfAndThreshold(t *testing.T) {
	if got := quantity.Percent(5).Of(1000); got != 50 {
		t.Errorf("5%% of 1000: got %d", got)
	}
	if got := quantity.Percent(50).Of(3); got != 2 {
		t.Errorf("50%% of 3, halves up: got %d", got)
	}
	if got := quantity.Percent(100).Threshold(); got != math.MaxUint64 {
		t.Errorf("100%%: got threshold %#x", got)
	}
	if got := quantity.Percent(50).Threshold(); got != 1<<63 {
		t.Errorf("50%%: got threshold %#x", got)
	}
	if !quantity.Percent(0).IsZero() || quantity.Percent(0).Threshold() != 0 {
		t.Error("0%: not zero")
	}
	rapid.Check(t, func(t *rapid.T) {
		p := quantity.Percent(rapid.Uint64Range(0, 100).Draw(t, "percent"))
		n := rapid.IntRange(0, 1_000_000_000).Draw(t, "n")
		if got, want := float64(p.Of(n)), p.Float()*float64(n); math.Abs(got-want) > 0.5+1e-6 {
			t.Fatalf("%s of %d: got %v, want %v", p, n, got, want)
		}
		var q quantity.Share
		if err := q.UnmarshalText([]byte(p.String())); err != nil || q != p {
			t.Fatalf("%q: got %v, %v", p.String(), q, err)
		}
	})
}
