//go:build linux && soak

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figures are what a process takes up.
type figures struct {
	goroutines, descriptors, streams int
	rss                              int64 // bytes
}

func (f figures) otherGoroutines() int  { return f.goroutines - perStream*f.streams }
func (f figures) otherDescriptors() int { return f.descriptors - f.streams }

// median is what nodes had after the first minute, without streams.
func (s *soak) median() figures {
	var goroutines, descriptors []int
	for _, n := range s.nodes {
		goroutines = append(goroutines, n.before.otherGoroutines())
		descriptors = append(descriptors, n.before.otherDescriptors())
	}
	slices.Sort(goroutines)
	slices.Sort(descriptors)
	return figures{goroutines: goroutines[soakNodes/2], descriptors: descriptors[soakNodes/2]}
}

// measure takes the figures of all processes, after a garbage collection.
func (s *soak) measure(ctx context.Context, into func(n *soakNode) *figures) error {
	for _, n := range s.nodes {
		f, err := takeFigures(ctx, n.process)
		if err != nil {
			return fmt.Errorf("node %d: %w", n.index, err)
		}
		*into(n) = f
	}
	return nil
}

func takeFigures(ctx context.Context, p *process) (f figures, err error) {
	if _, err := p.get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
		return f, err
	}
	page, err := p.get(ctx, "/metrics")
	if err != nil {
		return f, err
	}
	f.streams = int(metric(page, "starling_streams_open"))
	profile, err := p.get(ctx, "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return f, err
	}
	if _, err := fmt.Sscanf(string(profile), "goroutine profile: total %d", &f.goroutines); err != nil {
		return f, fmt.Errorf("count goroutines: %w", err)
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	if err != nil {
		return f, err
	}
	f.descriptors = len(open)
	f.rss, err = memory(p.pid())
	return f, err
}

// memory returns the resident memory of a process in bytes.
func memory(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if text, ok := strings.CutPrefix(string(line), "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", pid)
}

// Bounds of what may be there at the end, beyond what was there after the first
// minute. None is a matter of time. Goroutines and descriptors that streams
// account for are left out, for views change; what remains is the same in all
// nodes, and is held against the median of them.
const (
	// perStream goroutines serve a stream: one reads, one writes, one watches.
	perStream = 3
	// spareGoroutines is for what comes and goes: workers of the garbage
	// collector, an admin connection about to end, two streams that opened or
	// closed between one look and the next. Ten minutes gave one more than before.
	spareGoroutines = 2*perStream + 4
	// spareDescriptors is for the same, and files that Pebble is about to close.
	// Ten minutes gave two more.
	spareDescriptors = 4
	// spareMemory is for what is empty after a minute and full later (payloads
	// of broadcasts 4 MiB, inbox 4 MiB, addresses of 4,096 strangers 1 MiB, and
	// as much again until the garbage collector comes), and for what the Go
	// runtime keeps for later.
	spareMemory = 24 << 20
)

// judge prints a table of the figures and holds them against the bounds.
func (s *soak) judge() {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "node\t")
	for _, name := range faultNames {
		fmt.Fprintf(w, "%s\t", name)
	}
	base, worst := s.median(), figures{}
	fmt.Fprint(w, "goroutines\tof streams\tdescriptors\tof streams\tMiB\tpeak\t\n")
	for _, n := range s.nodes {
		fmt.Fprintf(w, "%d\t", n.index)
		for _, times := range n.suffers {
			fmt.Fprintf(w, "%d\t", times)
		}
		b, a := n.before, n.after
		fmt.Fprintf(w, "%d > %d\t%d > %d\t%d > %d\t%d > %d\t%.1f > %.1f\t%.1f\t\n",
			b.goroutines, a.goroutines, perStream*b.streams, perStream*a.streams, b.descriptors, a.descriptors, b.streams, a.streams,
			mib(b.rss), mib(a.rss), mib(n.peak))
		s.within(n, "goroutines besides those of streams", a.otherGoroutines(), base.otherGoroutines(), spareGoroutines)
		s.within(n, "descriptors besides those of streams", a.otherDescriptors(), base.otherDescriptors(), spareDescriptors)
		s.within(n, "bytes of memory", int(a.rss), int(b.rss), spareMemory)
		worst.goroutines = max(worst.goroutines, a.otherGoroutines())
		worst.descriptors = max(worst.descriptors, a.otherDescriptors())
		worst.rss = max(worst.rss, a.rss-b.rss)
	}
	_ = w.Flush()
	slices.Sort(s.rates)
	fmt.Printf("\nEach: after the first minute > at the end.\n%s\n", out.String())
	fmt.Printf("besides those of streams: goroutines %d (median), at the end %d at most, bound %d; descriptors %d, %d, bound %d\n",
		base.otherGoroutines(), worst.goroutines, base.otherGoroutines()+spareGoroutines,
		base.otherDescriptors(), worst.descriptors, base.otherDescriptors()+spareDescriptors)
	fmt.Printf("memory: %.1f MiB more at the end at most, bound %.0f\n", mib(worst.rss), mib(spareMemory))
	fmt.Printf("floods: %d, of %.0f datagrams a second (median); asked %d times meanwhile, others held the flooded node for dead %d times\n",
		len(s.rates), middle(s.rates), s.lookedAt, s.thoughtBad)
	fmt.Printf("admin interface: %d requests, %d refused, %d failed (status 500)\n",
		s.hammered.requests.Load(), s.hammered.refused.Load(), s.hammered.failed.Load())
}

func (s *soak) within(n *soakNode, what string, after, before, spare int) {
	if after > before+spare {
		s.Errorf("node %d: %s: %d at the end, %d after the first minute, want at most %d more", n.index, what, after, before, spare)
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func middle(sorted []float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
