package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8/decor"

	"github.com/starling-sim/starling/analysis"
)

// Work that is interrupted closes its progress half way: that must end, or the
// interrupt would.
func TestProgressClosesAtAnyTime(t *testing.T) {
	for _, done := range []int64{0, 40, 100} {
		p := startProgress(new(bytes.Buffer), "work", 100, func(*progress, decor.Statistics) string { return "" })
		p.advance(done, 7)
		p.finishPoint()
		p.close()
	}
}

func TestNoProgressIsShownInAPipe(t *testing.T) {
	var out bytes.Buffer
	p := newRunProgress(&out, "work", time.Second)
	p.advance(3, 7)
	p.finishPoint()
	p.close()
	if out.Len() > 0 {
		t.Errorf("got %q, want nothing", &out)
	}
}

func TestTableOfPointsKeepsToItsWidth(t *testing.T) {
	points := analysis.ByPoint([]analysis.Run{{
		Point:   []analysis.Assignment{{Key: "nodes.count", Value: "8"}},
		Metrics: map[string]float64{"swim.flaps": 1, "swim.undetected": 2, "swim.probes": 3},
	}})
	metrics := []string{"swim.flaps", "swim.undetected", "swim.probes"}
	for width, want := range map[int]int{0: 0, 30: 1, 46: 2, 60: 3, 200: 3} {
		var out bytes.Buffer
		printPoints(&out, points, metrics, width)
		if got := strings.Count(strings.Split(out.String(), "\n")[0], "swim."); got != want {
			t.Errorf("%d columns: got %d metrics, want %d\n%s", width, got, want, &out)
		}
	}
}
