package wallclock

import (
	"context"
	"time"
)

type node struct{ Now, Local int }

func bad(ctx context.Context, t time.Time) {
	_ = time.Now()    // want `wallclock: time.Now`
	clock := time.Now // want `wallclock: time.Now`
	_ = clock
	_ = time.Since(t)                         // want `wallclock: time.Since`
	_ = time.Until(t)                         // want `wallclock: time.Until`
	time.Sleep(1)                             // want `wallclock: time.Sleep`
	_ = time.After(1)                         // want `wallclock: time.After`
	_ = time.Tick(1)                          // want `wallclock: time.Tick`
	_ = time.NewTimer(1)                      // want `wallclock: time.NewTimer`
	_ = time.NewTicker(1)                     // want `wallclock: time.NewTicker`
	time.AfterFunc(1, nil)                    // want `wallclock: time.AfterFunc`
	_, _ = context.WithTimeout(ctx, 1)        // want `wallclock: context.WithTimeout`
	_, _ = context.WithDeadline(ctx, t)       // want `wallclock: context.WithDeadline`
	_ = t.In(time.Local)                      // want `wallclock: time.Local`
	_ = t.Local()                             // want `wallclock: time.Time.Local`
	_, _ = time.LoadLocation("Europe/Berlin") // want `wallclock: time.LoadLocation`
}

func fine(n node, d time.Duration, t time.Time) time.Duration {
	_ = n.Now + n.Local
	_, _ = context.WithCancel(context.Background())
	_ = t.After(t) || t.UTC().Equal(t)
	return d.Round(time.Second)
}
