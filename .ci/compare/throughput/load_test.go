package throughput

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// window is how many messages are on their way at a time: enough that neither
// side waits for the other, few enough that no queue overflows.
const window = 64

// patience is how long an answer is waited for.
const patience = time.Second

// load is a number of messages, of which each answer lets another one go.
type load struct {
	unsent, unanswered atomic.Int64
	done               chan struct{}
}

// answered takes note of an answer, and tells whether to send another message.
func (l *load) answered() bool {
	if l.unanswered.Add(-1) == 0 {
		close(l.done)
	}
	return l.unsent.Add(-1) >= 0
}

// run sends b.N messages and waits for the answers. first sends the given number
// of messages; whoever gets an answer asks l.answered and sends the next.
func (l *load) run(b *testing.B, first func(n int)) {
	b.Helper()
	at := min(b.N, window)
	l.done = make(chan struct{})
	l.unanswered.Store(int64(b.N))
	l.unsent.Store(int64(b.N - at))
	m := begin(b)
	first(at)
	for last := int64(b.N); ; {
		select {
		case <-l.done:
			m.end(b, 0)
			return
		case <-time.After(patience):
		}
		now := l.unanswered.Load()
		if now == last { // everything that was on its way is lost
			m.end(b, int(min(now, window)))
			return
		}
		last = now
	}
}

// meter is what was used up when a measurement began.
type meter struct {
	wall   time.Time
	cpu    time.Duration
	allocs uint64
}

func begin(b *testing.B) meter {
	b.Helper()
	b.ResetTimer()
	return meter{time.Now(), processorTime(b), allocations()}
}

// end reports what b.N messages and as many answers took.
func (m meter) end(b *testing.B, lost int) {
	b.Helper()
	b.StopTimer()
	datagrams := 2 * float64(b.N)
	b.ReportMetric(datagrams/time.Since(m.wall).Seconds(), "datagrams/s")
	b.ReportMetric(float64(processorTime(b)-m.cpu)/datagrams, "cpu-ns/msg")
	b.ReportMetric(float64(allocations()-m.allocs)/datagrams, "allocs/msg")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(0, "ns/op") // leaves it out: it is that of a message and its answer
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func allocations() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.Mallocs
}
