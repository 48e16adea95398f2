package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/scenarios"
)

func TestExitStatuses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errExpectation, exitExpectation},
		{usagef("wrong"), exitUsage},
		{fmt.Errorf("point 3: %w", &scenarios.Error{}), exitUsage},
		{&incompleteError{}, exitUsage},
		{interruptedError{"go on"}, exitInterrupted},
		{errors.New("disk full"), exitInternal},
		{guard(func() error { panic("slipped") }), exitInternal},
		{guard(func() error { return errExpectation }), exitExpectation},
	} {
		if got := exitStatus(c.err); got != c.want {
			t.Errorf("%v: got exit status %d, want %d", c.err, got, c.want)
		}
	}
}

func TestPanicIsReportedWithWhatWasDone(t *testing.T) {
	var stderr bytes.Buffer
	report(&stderr, guard(func() error { panic("slipped") }), "run swim/churn --seed 7")
	for _, want := range []string{"internal fault", "slipped", "text_test.go", "simrun run swim/churn --seed 7", "version "} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, &stderr)
		}
	}
}

func TestVersionNamesTheOrigin(t *testing.T) {
	vcs := func(revision, modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"", nil, "devel"},
		{"(devel)", nil, "devel"},
		{"v1.2.3", nil, "v1.2.3"},
		{"(devel)", vcs("0123456789abcdef0123", "false"), "devel-0123456789ab"},
		{"(devel)", vcs("0123456789abcdef0123", "true"), "devel-0123456789ab+dirty"},
		{"v0.0.0-20260101000000-0123456789ab", vcs("0123456789abcdef0123", "false"), "v0.0.0-20260101000000-0123456789ab"},
		{"v0.0.0-20260101000000-0123456789ab+dirty", vcs("0123456789abcdef0123", "true"), "v0.0.0-20260101000000-0123456789ab+dirty"},
	} {
		info := &debug.BuildInfo{Settings: c.settings}
		info.Main.Version = c.version
		if got := describeBuild(info); got != c.want {
			t.Errorf("version %q: got %q, want %q", c.version, got, c.want)
		}
	}
}

func TestDiffNamesTheSectionAndBothSides(t *testing.T) {
	before := "name = 'a'\n\n[nodes]\ncount = 8\n\n[[fault]]\nat = '2s'\nkind = 'crash'\n"
	after := "name = 'a'\n\n[nodes]\ncount = 9\n\n[[fault]]\nat = '2s'\nkind = 'crash'\nshare = '5%'\n"
	want := []string{"    [nodes]", "  - count = 8", "  + count = 9", "    [[fault]]", "  + share = '5%'"}
	if got := diffLines(before, after); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What diff says turns the one text into the other.
func TestDiffIsComplete(t *testing.T) {
	line := rapid.SampledFrom([]string{"a", "b", "c", "[s]", "[t]"})
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(line, 0, 12).Draw(t, "before")
		after := rapid.SliceOfN(line, 0, 12).Draw(t, "after")
		diff := diffLines(strings.Join(before, "\n"), strings.Join(after, "\n"))
		if slices.Equal(before, after) != (diff == nil) {
			t.Fatalf("%q and %q: got %q", before, after, diff)
		}
		balance := map[string]int{}
		for _, l := range before {
			balance[l]--
		}
		for _, l := range after {
			balance[l]++
		}
		for _, d := range diff {
			switch d[:4] {
			case "  - ":
				balance[d[4:]]++
			case "  + ":
				balance[d[4:]]--
			}
		}
		for l, n := range balance {
			if n != 0 {
				t.Fatalf("%q and %q: %q leaves %q at %d", before, after, diff, l, n)
			}
		}
	})
}

func TestVerdictsOfASweepAreSummedUp(t *testing.T) {
	var verdicts []analysis.Verdict
	for seed := range uint64(30) {
		verdicts = append(verdicts, analysis.Verdict{
			Metric: "swim.flaps", Op: "<=", Want: 9, Got: float64(seed), OK: seed <= 9, Point: "n=1", Seed: &seed,
		})
	}
	verdicts = append(verdicts, analysis.Verdict{Metric: "swim.undetected", Op: "==", OK: true})
	var out bytes.Buffer
	printVerdicts(&out, &presentation{verdicts: verdicts})
	text := out.String()
	for _, want := range []string{
		"  FAILED: swim.flaps <= 9: not in 20 of 30 runs\n",
		"at n=1 seed 10\n", "at n=1 seed 19\n", "      and 10 more\n",
		"  ok: swim.undetected == 0: got 0\n",
		"Verdict: 1 of 2 expectations FAILED.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "seed 9\n") || strings.Contains(text, "seed 20\n") {
		t.Errorf("more than the first failures are listed:\n%s", text)
	}
}

func TestTimeLeft(t *testing.T) {
	for _, c := range []struct {
		elapsed     time.Duration
		done, total int64
		want        string
	}{
		{time.Second, 0, 10, "-- left"},
		{3 * time.Second, 25, 100, "9s left"},
		{time.Minute, 3e12, 12e12, "3m0s left"}, // more units than nanoseconds
		{time.Second, 10, 10, "0s left"},
	} {
		if got := timeLeft(c.elapsed, c.done, c.total); got != c.want {
			t.Errorf("%v, %d of %d: got %q, want %q", c.elapsed, c.done, c.total, got, c.want)
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.5: "0.50", 7: "7.00", 12.34: "12.3", 999.4: "999", 999.6: "1.00k", 1234: "1.23k",
		999_499: "999k", 999_500: "1.00M", 123_456_789: "123M", 5e9: "5.00G",
	} {
		if got := siNumber(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 750 * time.Nanosecond: "750ns", 12_345 * time.Microsecond: "12.35ms", 1_234_567 * time.Microsecond: "1.23s",
		61_234 * time.Millisecond: "1m1.23s", 3_723_456 * time.Millisecond: "1h2m3s",
	} {
		if got := siSeconds(d); got != want {
			t.Errorf("%d ns: got %s, want %s", d, got, want)
		}
	}
}
