package observe

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"
)

func TestSubscribersSeeEventsInOrder(t *testing.T) {
	obs := mustObserver(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	one, two := obs.Subscribe(ctx), obs.Subscribe(ctx)
	obs.Observe(record(t, time.Second, "swim.alive", other, 3, 0))
	obs.Observe(record(t, 2*time.Second, "swim.confirm_dead", other, 3, 1, uint64(third)))
	for _, events := range []<-chan Event{one, two} {
		if e := <-events; e.Name != "swim.alive" || e.Node != self || e.Peer != other || !e.Time.Equal(start.Add(time.Second)) {
			t.Errorf("first: got %+v", e)
		}
		e := <-events
		if accuser, ok := e.Arg("accuser"); e.Name != "swim.confirm_dead" || !ok || accuser != uint64(third) {
			t.Errorf("second: got %+v", e)
		}
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	obs := mustObserver(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	events := obs.Subscribe(ctx)
	if n := obs.Subscribers(); n != 1 {
		t.Errorf("got %d subscribers, want 1", n)
	}
	cancel()
	if e, open := <-events; open {
		t.Errorf("got %+v, want the end", e)
	}
	if n := obs.Subscribers(); n != 0 {
		t.Errorf("got %d subscribers, want none", n)
	}
	if _, open := <-obs.Subscribe(ctx); open {
		t.Error("a subscription of a context that has ended is open")
	}
}

func TestCloseGivesSubscribersWhatWaitedAndEnds(t *testing.T) {
	obs := mustObserver(t, Options{})
	events := obs.Subscribe(context.Background())
	for i := range 100 {
		obs.Observe(record(t, time.Duration(i), "swim.probe", other, 1, 5))
	}
	mustClose(t, obs)
	n := 0
	for range events {
		n++
	}
	if n != 100 {
		t.Errorf("got %d events, want 100", n)
	}
	if _, open := <-obs.Subscribe(context.Background()); open {
		t.Error("a subscription to a closed observer is open")
	}
	obs.Observe(record(t, 0, "swim.probe", other)) // has no effect
}

func TestASlowSubscriberLearnsHowManyItMissed(t *testing.T) {
	obs := mustObserver(t, Options{SubscriberQueue: 4})
	slow := obs.Subscribe(context.Background())
	for i := range 10 {
		obs.publish(Event{Name: "x.y", Args: []Arg{{"i", uint64(i)}}})
	}
	var got []string
	for range 4 {
		got = append(got, (<-slow).Args[0].String())
	}
	obs.publish(Event{Name: "x.y", Args: []Arg{{"i", 10}}})
	gap, next := <-slow, <-slow
	if missed, _ := gap.Arg("count"); gap.Name != NameMissed || missed != 6 {
		t.Errorf("got %+v, want %d missed", gap, 6)
	}
	if next.Args[0].Value != 10 || got[3] != "3" {
		t.Errorf("got %v before the gap and %+v after", got, next)
	}
	if dropped := obs.Dropped()["subscriber"]; dropped != 6 {
		t.Errorf("got %d dropped, want 6", dropped)
	}
}

func TestAFullQueueIsCountedAndTold(t *testing.T) {
	metrics := mustMetrics(t)
	obs := mustObserver(t, Options{Queue: 8, Metrics: metrics})
	events := obs.Subscribe(context.Background())

	const sent = 100
	obs.mu.Lock() // the Observer's goroutine waits for this
	for range sent {
		obs.Observe(record(t, 0, "swim.probe", other, 1, 5)) // the loop does not
	}
	obs.mu.Unlock()
	dropped := obs.Dropped()["queue"]
	if dropped < sent-10 || dropped >= sent {
		t.Errorf("got %d of %d dropped, want all but those in the queue and one at work", dropped, sent)
	}
	mustClose(t, obs)
	var seen, missed uint64
	for e := range events {
		if e.Name == NameMissed {
			n, _ := e.Arg("count")
			missed += n
		} else {
			seen++
		}
	}
	if seen+missed != sent || missed != dropped {
		t.Errorf("got %d events and %d missed, want %d in all and %d missed", seen, missed, sent, dropped)
	}
	if n := mustFigure(t, metrics, "starling_events_total", "protocol", "swim", "event", "probe"); n != sent {
		t.Errorf("counted %v, want all %d", n, sent)
	}
}

// stuck is a log that is not written, as if to a full pipe.
type stuck struct {
	slog.Handler
	release chan struct{}
}

func (s stuck) Handle(context.Context, slog.Record) error {
	<-s.release
	return nil
}

func TestALogThatIsStuckHoldsUpNobody(t *testing.T) {
	log := stuck{Handler: slog.DiscardHandler, release: make(chan struct{})}
	obs := mustObserver(t, Options{Queue: 4, Log: enabled{log}})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := obs.Subscribe(ctx)
	for i := range 50 {
		obs.Observe(record(t, time.Duration(i)*time.Second, "swim.alive", other, 1, 0))
		<-events // subscribers go on
	}
	if dropped := obs.Dropped()["log"]; dropped == 0 {
		t.Error("no record was dropped")
	}
	short, end := context.WithCancel(context.Background())
	end()
	if err := obs.Close(short); !errors.Is(err, context.Canceled) {
		t.Errorf("close: got %v, want the context's end", err)
	}
	close(log.release)
}

// enabled passes everything on.
type enabled struct{ slog.Handler }

func (enabled) Enabled(context.Context, slog.Level) bool { return true }

func TestWatchersAndScrapersWhileTheLoopRuns(t *testing.T) {
	metrics := mustMetrics(t)
	obs := mustObserver(t, Options{Metrics: metrics, Log: enabled{slog.DiscardHandler}})
	var watchers sync.WaitGroup
	for range 4 {
		watchers.Go(func() {
			for range 20 {
				ctx, cancel := context.WithCancel(context.Background())
				events := obs.Subscribe(ctx)
				select {
				case e := <-events:
					if _, err := json.Marshal(e); err != nil {
						t.Error(err)
					}
				case <-ctx.Done():
				}
				cancel()
				if _, err := metrics.Gatherer().Gather(); err != nil {
					t.Error(err)
				}
				_ = obs.Joined(ctx)
				metrics.Sent(0x0101, Stream, 10)
			}
		})
	}
	stop := make(chan struct{})
	go func() { watchers.Wait(); close(stop) }()
	alive, dead := record(t, 0, "swim.alive", other), record(t, 0, "swim.confirm_dead", other)
	up, down := record(t, 0, "hyparview.neighbor_up", other), record(t, 0, "hyparview.neighbor_down", other)
	for {
		obs.Observe(alive)
		obs.Observe(up)
		obs.Observe(down)
		obs.Observe(dead)
		select {
		case <-stop:
			return
		default:
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	obs := mustObserver(b, Options{Metrics: mustMetrics(b), Log: slog.DiscardHandler})
	r := record(b, 0, "plumtree.deliver", other, 7, 3)
	b.ReportAllocs()
	for b.Loop() {
		obs.Observe(r)
	}
}
