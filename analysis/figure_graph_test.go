package analysis_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// pictureRun is a run with an overlay of n nodes and a message that spreads by
// flooding; some nodes crash at the end, and two stand apart.
func pictureRun(tb testing.TB, n, crashes int) analysis.Run {
	tb.Helper()
	c, err := analysis.NewCollector(analysis.Config{Nodes: n, NodeID: nodeID, Events: castSpecs()})
	if err != nil {
		tb.Fatal(err)
	}
	now, rand := int64(0), protocol.NewRand(3)
	emit := func(kind protocol.EventKind, node, peer int, args ...uint64) {
		r := protocol.Record{Time: now, Index: uint32(node), Event: protocol.Event{Kind: kind}}
		if peer >= 0 {
			r.Event.Peer = nodeID(peer)
		}
		copy(r.Event.Args[:], args)
		c.Observe(r)
	}
	near := make([][]int, n)
	for i := range n {
		emit(protocol.EventNodeStarted, i, -1)
	}
	join := func(a, b int) {
		near[a], near[b] = append(near[a], b), append(near[b], a)
		emit(evLinkUp, a, b)
		emit(evLinkUp, b, a)
	}
	for i := 1; i < n-2; i++ {
		join(i, rand.IntN(i))
		if i%2 == 0 {
			join(i, rand.IntN(i))
		}
	}
	join(n-2, n-1)
	emit(evLinkUp, 1, n-3)
	emit(evLinkUp, n/2, 2)
	emit(evBroadcast, 0, -1, 1, 100)
	hops := map[int]uint64{0: 0}
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		now += 1e6
		for _, j := range near[queue[0]] {
			if _, has := hops[j]; has {
				emit(evDuplicate, j, queue[0], 1, hops[queue[0]]+1)
				continue
			}
			hops[j] = hops[queue[0]] + 1
			emit(evDeliver, j, queue[0], 1, hops[j])
			queue = append(queue, j)
		}
	}
	for k := range crashes {
		emit(protocol.EventNodeCrashed, 3+5*k, -1)
	}
	r, err := c.Finish(time.Minute, analysis.Counters{})
	if err != nil {
		tb.Fatal(err)
	}
	return analysis.Run{Seed: 1, Metrics: r.Metrics, Series: r.Series}
}

func TestPicturesOfGraphs(t *testing.T) {
	for _, example := range []struct {
		plot  analysis.Plot
		nodes int
		words []string
	}{
		{analysis.Plot{Name: "overlay", Title: "Who <has> whom", Kind: analysis.PlotOverlay}, 100, []string{"Who <has> whom", "symmetric (", "asymmetric (", "dead (", "not live (3)", "live node (97)"}},
		{analysis.Plot{Name: "overlay-300", Kind: analysis.PlotOverlay}, 300, []string{"symmetric ("}},
		{analysis.Plot{Name: "overlay-4", Kind: analysis.PlotOverlay}, 4, []string{"live node (4)"}},
		{analysis.Plot{Name: "tree", Title: "Delivery tree", Kind: analysis.PlotTree}, 100, []string{"Delivery tree", "origin", "hop 1 ("}},
		{analysis.Plot{Name: "tree-300", Kind: analysis.PlotTree}, 300, []string{"hop 2 ("}},
		{analysis.Plot{Name: "tree-4", Kind: analysis.PlotTree}, 4, []string{"hop 1 (1)"}},
	} {
		crashes := 0
		if example.nodes == 100 {
			crashes = 3
		}
		run := pictureRun(t, example.nodes, crashes)
		f, err := analysis.Draw(example.plot, []analysis.Run{run})
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := analysis.Draw(example.plot, []analysis.Run{fromDisk(t, run)})
		if err != nil || !bytes.Equal(f.SVG, again.SVG) || !bytes.Equal(f.PNG, again.PNG) {
			t.Errorf("%s: drawn again from its file, got another picture (%v)", example.plot.Name, err)
		}
		if _, err := png.Decode(bytes.NewReader(f.PNG)); err != nil {
			t.Errorf("%s: %v", example.plot.Name, err)
		}
		text := svgTexts(t, f.SVG)
		for _, word := range example.words {
			if !strings.Contains(text, word) {
				t.Errorf("%s: no %q among %q", example.plot.Name, word, text)
			}
		}
		if f.Caption == "" {
			t.Errorf("%s: no caption", example.plot.Name)
		}
		if dir := os.Getenv("PICTURES"); dir != "" { // to be looked at
			if err := os.WriteFile(filepath.Join(dir, f.Name+".png"), f.PNG, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}

// fromDisk returns a run with the series that its file holds.
func fromDisk(t *testing.T, r analysis.Run) analysis.Run {
	t.Helper()
	var b bytes.Buffer
	if err := analysis.WriteSeriesCSV(&b, r.Series); err != nil {
		t.Fatal(err)
	}
	series, err := analysis.ReadSeriesCSV(&b)
	if err != nil {
		t.Fatal(err)
	}
	r.Series = series
	return r
}

func TestPicturesRefuse(t *testing.T) {
	for _, kind := range []string{analysis.PlotOverlay, analysis.PlotTree} {
		p := analysis.Plot{Name: "x", Kind: kind}
		if _, err := analysis.Draw(p, nil); err == nil {
			t.Errorf("%s: no run: got no error", kind)
		}
		if _, err := analysis.Draw(p, []analysis.Run{pictureRun(t, 301, 0)}); err == nil || !strings.Contains(err.Error(), "300 nodes") {
			t.Errorf("%s: 301 nodes: got %v, want an error that says how many there may be", kind, err)
		}
		if _, err := analysis.TerminalPlot(p, []analysis.Run{pictureRun(t, 10, 0)}, 80, 20, false); err == nil {
			t.Errorf("%s: on a terminal: got no error", kind)
		}
	}
}

// What is on disk may have been edited: links in a circle, nodes without a
// parent.
func TestATreeThatIsNoneIsDrawn(t *testing.T) {
	links := analysis.Series{Metric: "broadcast.tree_links", Group: "1", X: []float64{0, 1, 2, 7, 8, 0}, Y: []float64{1, 2, 0, 8, 7, 0}}
	for _, series := range []analysis.Series{links, {Metric: links.Metric, Group: "x", X: links.X[:2], Y: links.Y[:2]}} {
		f, err := analysis.Draw(analysis.Plot{Name: "x", Kind: analysis.PlotTree}, []analysis.Run{{Series: []analysis.Series{series}}})
		if err != nil || !strings.Contains(f.Caption, "of the 3 that have it") {
			t.Errorf("got %v, want a tree of three nodes", err)
		}
	}
}
