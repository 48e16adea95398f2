package netmodel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseMatrix(t *testing.T) {
	x := must[*Matrix](t)(ParseMatrix([]byte("rtt_ms,a,b\na,0,81\nb,0.25,12.000001\n")))
	want := [][]time.Duration{{0, 40_500_000}, {125_000, 6_000_000}}
	for i, row := range want {
		if !slices.Equal(x.OneWay[i], row) {
			t.Errorf("row %d: got %v, want %v", i+1, x.OneWay[i], row)
		}
	}
	if !slices.Equal(x.Names, []string{"a", "b"}) {
		t.Errorf("got names %v", x.Names)
	}
	one := must[*Matrix](t)(ParseMatrix([]byte("oneway_ms,a\na,81")))
	if one.OneWay[0][0] != 81*time.Millisecond {
		t.Errorf("got %v, want 81ms", one.OneWay[0][0])
	}
}

func TestParseMatrixNamesTheMistake(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "EOF",
		"ms,a\na,1":                       `got "ms" in the first cell`,
		"rtt_ms\n":                        "got 0 columns",
		"rtt_ms,a,b\na,1,2":               "got 1 rows or more, want one for each of 2 columns",
		"rtt_ms,a\na,1\nb,2":              "got 1 rows or more",
		"rtt_ms,a,b\nb,1,2\na,1,2":        `row 1: got name "b", want "a"`,
		"rtt_ms,a\na,-1":                  `row 1: value 1: got "-1"`,
		"rtt_ms,a\na,1e3":                 `got "1e3"`,
		"rtt_ms,a\na,1.":                  `got "1."`,
		"rtt_ms,a\na,.5":                  `got ".5"`,
		"rtt_ms,a\na,1.0000001":           `got "1.0000001"`,
		"oneway_ms,a\na,5000":             `got "5000", want milliseconds`,
		"rtt_ms,a,b\na,1\nb,1,2":          "wrong number of fields",
		"rtt_ms,a\n" + `"` + "a,1":        "parse latency matrix:",
		"rtt_ms,a\na," + "1234567" + "\n": `got "1234567"`,
	} {
		if _, err := ParseMatrix([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q in it", text, err, want)
		}
	}
}

// Whatever is read without an error is a matrix that New accepts.
func FuzzParseMatrix(f *testing.F) {
	f.Add(aws2019)
	f.Add(libp2p8)
	f.Add([]byte("rtt_ms,a,b\na,0,81\nb,0.25,12.000001\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := ParseMatrix(text)
		if err != nil {
			return
		}
		if err := x.check(); err != nil {
			t.Fatalf("parsed a matrix that is wrong: %v", err)
		}
		if _, err := New(Config{Nodes: 3, Latency: PairMatrix{Matrix: x}}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWS2019(t *testing.T) {
	x := must[*Matrix](t)(AWS2019())
	if len(x.Names) != 11 {
		t.Fatalf("got %d regions, want 11", len(x.Names))
	}
	at := func(a, b string) time.Duration { return x.OneWay[slices.Index(x.Names, a)][slices.Index(x.Names, b)] }
	for _, c := range []struct {
		a, b string
		want time.Duration
	}{
		{"us-west-2", "us-east-1", 40500 * time.Microsecond},
		{"ap-southeast-2", "eu-central-1", 141 * time.Millisecond},
		{"eu-west-1", "eu-west-2", 6 * time.Millisecond},
		{"ap-south-1", "ap-south-1", AWSSameRegion},
	} {
		if got := at(c.a, c.b); got != c.want || at(c.b, c.a) != c.want {
			t.Errorf("%s to %s: got %v and %v back, want %v", c.a, c.b, got, at(c.b, c.a), c.want)
		}
	}
}

func TestLibP2P8(t *testing.T) {
	x := must[*Matrix](t)(LibP2P8())
	if got := x.OneWay[slices.Index(x.Names, "south_america")][slices.Index(x.Names, "south_africa")]; got != 195*time.Millisecond {
		t.Errorf("got %v, want 195ms", got)
	}
	if len(x.Weights) != len(x.Names) || x.Weights[slices.Index(x.Names, "europe")] != 5599 {
		t.Errorf("got weights %v", x.Weights)
	}
}

// The quantiles are those of the source, the digest that of all values in
// microseconds, in order.
func TestPlanetLab490(t *testing.T) {
	x := must[*Matrix](t)(PlanetLab490())
	if len(x.OneWay) != planetLabSites {
		t.Fatalf("got %d sites, want %d", len(x.OneWay), planetLabSites)
	}
	digest := sha256.New()
	var rtt []time.Duration
	for i, row := range x.OneWay {
		for j, d := range row {
			if d != x.OneWay[j][i] {
				t.Fatalf("sites %d and %d: got %v and %v back", i, j, d, x.OneWay[j][i])
			}
			if i != j {
				rtt = append(rtt, 2*d)
				fmt.Fprintln(digest, int64(2*d/time.Microsecond))
			}
		}
	}
	slices.Sort(rtt)
	for p, want := range map[int]time.Duration{50: 135_010, 90: 290_720, 99: 412_620} {
		if got := rtt[len(rtt)*p/100]; got != want*time.Microsecond {
			t.Errorf("p%d: got %v, want %v", p, got, want*time.Microsecond)
		}
	}
	if rtt[0] != 86*time.Microsecond || rtt[len(rtt)-1] != 2_984_100*time.Microsecond {
		t.Errorf("got %v to %v, want 86µs to 2.9841s", rtt[0], rtt[len(rtt)-1])
	}
	if got, want := hex.EncodeToString(digest.Sum(nil)), planetLabDigest; got != want {
		t.Errorf("got digest %s, want %s", got, want)
	}
}

// planetLabDigest was computed from the source by other means.
const planetLabDigest = "524a5d97d8bc4f9905dc29699b8f41f20c8ad0624c45c378ca95c3c66ca67992"
