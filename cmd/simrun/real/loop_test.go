package real

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLoopDoesOneThingAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		epoch := time.Now().Add(time.Second)
		var got []string
		say := func(what string) func() {
			return func() { got = append(got, what+" at "+time.Since(epoch).String()) }
		}
		l.at(0, func() { got = append(got, "before") })
		l.at(2*time.Second, func() {
			say("b")()
			time.Sleep(1500 * time.Millisecond)              // more than it should take
			l.at(l.now+time.Second, say("c"))                // late: it was planned for 3 s
			l.at(l.now+time.Second, func() { panic("end") }) // in the order of planning
		})
		l.at(time.Second, say("a"))
		if err := l.prepare(); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(1100 * time.Millisecond)
			l.post(t.Context(), say("posted"))
		}()
		err := l.run(t.Context(), epoch, time.Minute)
		if err == nil || !strings.Contains(err.Error(), "panic: end") {
			t.Errorf("got %v, want the panic", err)
		}
		want := []string{"before", "posted at 100ms", "a at 1s", "b at 2s", "c at 3.5s"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if l.late != 500*time.Millisecond {
			t.Errorf("got lateness %v, want 500ms", l.late)
		}
	})
}

func TestTheLoopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		epoch := time.Now()
		if err := newLoop().run(t.Context(), epoch, time.Minute); err != nil || time.Since(epoch) != time.Minute {
			t.Errorf("got %v after %v, want no error after 1m", err, time.Since(epoch))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		epoch = time.Now()
		if err := newLoop().run(ctx, epoch, time.Minute); err != nil || time.Since(epoch) != time.Second {
			t.Errorf("got %v after %v, want no error after 1s", err, time.Since(epoch))
		}
	})
}
