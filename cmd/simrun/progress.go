package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// terminalWidth returns the number of columns of the terminal that w writes
// to, or 0 if it does not write to one.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !cwriter.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := cwriter.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// progress shows on a terminal how far a piece of work is and how long it will
// take. A nil progress shows nothing.
type progress struct {
	container *mpb.Progress
	bar       *mpb.Bar
	start     time.Time
	total     int64
	events    atomic.Uint64
	points    atomic.Int64
}

// newRunProgress shows the progress of one world through its virtual time.
func newRunProgress(w io.Writer, name string, until time.Duration) *progress {
	return newProgress(w, name, int64(until), func(p *progress, s decor.Statistics) string {
		return fmt.Sprintf("%s of %s", time.Duration(s.Current).Round(100*time.Millisecond), until)
	})
}

// newSweepProgress shows the progress of many runs. Work is in units of
// point.work, so that the time left is right even if the points are of very
// different size.
func newSweepProgress(w io.Writer, name string, points int, work int64) *progress {
	return newProgress(w, name, work, func(p *progress, _ decor.Statistics) string {
		return fmt.Sprintf("%d of %d runs", p.points.Load(), points)
	})
}

func newProgress(w io.Writer, name string, total int64, position func(*progress, decor.Statistics) string) *progress {
	if terminalWidth(w) == 0 {
		return nil
	}
	return startProgress(w, name, total, position)
}

func startProgress(w io.Writer, name string, total int64, position func(*progress, decor.Statistics) string) *progress {
	p := &progress{start: time.Now(), total: total}
	p.container = mpb.New(mpb.WithOutput(w), mpb.WithWidth(64), mpb.WithRefreshRate(200*time.Millisecond), mpb.WithAutoRefresh())
	p.bar = p.container.New(total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(
			decor.Name(name+"  "),
			decor.Any(func(s decor.Statistics) string { return position(p, s) + " " }),
		),
		mpb.AppendDecorators(
			decor.Any(func(decor.Statistics) string { return " " + eventRate(p.events.Load(), time.Since(p.start)) + "  " }),
			decor.Any(func(s decor.Statistics) string { return timeLeft(time.Since(p.start), s.Current, s.Total) }),
		),
	)
	return p
}

// advance says that work more was done, and events more executed.
func (p *progress) advance(work int64, events uint64) {
	if p == nil {
		return
	}
	p.events.Add(events)
	p.bar.IncrInt64(work)
}

// finishPoint says that one run of a sweep is finished.
func (p *progress) finishPoint() {
	if p != nil {
		p.points.Add(1)
	}
}

// close removes the bar.
func (p *progress) close() {
	if p == nil {
		return
	}
	p.bar.SetCurrent(p.total) // a bar that is complete goes away; an aborted one leaves its line
	p.container.Wait()
}
