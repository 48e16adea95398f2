package observe

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// How many events of one name are logged: so many a second, and so many at once.
const (
	logRate  = 5
	logBurst = 20
)

// levels are the levels of events: warnings are what an operator may want to act
// on, debug is what happens all the time in a healthy cluster. Events of
// protocols that are not named here are logged as information.
func levels() map[string]slog.Level {
	return map[string]slog.Level{
		"world.started":      slog.LevelInfo,
		"world.crashed":      slog.LevelWarn,
		"world.restarted":    slog.LevelInfo,
		"world.leaving":      slog.LevelInfo,
		"world.left":         slog.LevelInfo,
		"world.paused":       slog.LevelWarn,
		"world.resumed":      slog.LevelWarn,
		"world.network":      slog.LevelWarn,
		"world.command":      slog.LevelInfo,
		"world.store_failed": slog.LevelError,

		"swim.alive":        slog.LevelInfo,
		"swim.suspect":      slog.LevelWarn,
		"swim.confirm_dead": slog.LevelWarn,
		"swim.left":         slog.LevelInfo,
		"swim.refute":       slog.LevelWarn,
		"swim.probe":        slog.LevelDebug,
		"swim.health":       slog.LevelInfo,
		"swim.reap":         slog.LevelDebug,
		"swim.metadata":     slog.LevelDebug,

		"hyparview.neighbor_up":   slog.LevelInfo,
		"hyparview.neighbor_down": slog.LevelInfo,
		"hyparview.joined":        slog.LevelInfo,
		"hyparview.isolated":      slog.LevelWarn,
		"hyparview.rejoin":        slog.LevelWarn,
		"hyparview.refused":       slog.LevelDebug,
		"hyparview.reconnect":     slog.LevelInfo,
		"hyparview.optimised":     slog.LevelDebug,

		"cyclon.neighbor_up":    slog.LevelDebug, // views change in every period
		"cyclon.neighbor_down":  slog.LevelDebug,
		"cyclon.shuffle_failed": slog.LevelInfo,
		"cyclon.join":           slog.LevelInfo,

		"plumtree.broadcast": slog.LevelDebug,
		"plumtree.deliver":   slog.LevelDebug,
		"plumtree.duplicate": slog.LevelDebug,
		"plumtree.graft":     slog.LevelDebug,
		"plumtree.prune":     slog.LevelDebug,
		"plumtree.give_up":   slog.LevelWarn,
		"plumtree.shed":      slog.LevelWarn,

		"gossip.broadcast":     slog.LevelDebug,
		"gossip.deliver":       slog.LevelDebug,
		"gossip.duplicate":     slog.LevelDebug,
		"gossip.interest_lost": slog.LevelDebug,

		"flood.broadcast": slog.LevelDebug,
		"flood.deliver":   slog.LevelDebug,
		"flood.duplicate": slog.LevelDebug,

		"replica.write":          slog.LevelDebug,
		"replica.apply":          slog.LevelDebug,
		"replica.read":           slog.LevelDebug,
		"replica.root":           slog.LevelDebug,
		"replica.session_begin":  slog.LevelDebug,
		"replica.session_end":    slog.LevelDebug,
		"replica.session_broken": slog.LevelInfo, // also because a peer is busy, which is no harm
		"replica.refused":        slog.LevelWarn,
		"replica.conflict":       slog.LevelInfo,
		"replica.hot":            slog.LevelDebug,
		"replica.cold":           slog.LevelDebug,
		"replica.push":           slog.LevelDebug,
		"replica.summary":        slog.LevelInfo, // it writes more than push_rate
		"replica.vanish":         slog.LevelDebug,
		"replica.collect":        slog.LevelDebug,
		"replica.mismatch":       slog.LevelWarn,
		"replica.unreadable":     slog.LevelError,
		"replica.rename":         slog.LevelWarn, // its disk has forgotten something
	}
}

// logs writes events as structured records. Its handler has a goroutine of its
// own, since it may have to wait for a terminal or a disk.
type logs struct {
	handler  slog.Handler
	levels   map[string]slog.Level
	limits   map[string]*limit // by name; event only
	records  chan slog.Record
	dropped  atomic.Uint64 // records for which there was no room
	finished chan struct{}
	done     <-chan struct{}
}

// limit is what one name may write.
type limit struct {
	*rate.Limiter
	suppressed uint64 // since the last record
}

func newLogs(h slog.Handler, queue int) *logs {
	l := &logs{
		handler:  h,
		levels:   levels(),
		limits:   map[string]*limit{},
		records:  make(chan slog.Record, queue),
		finished: make(chan struct{}),
	}
	l.done = l.finished
	go l.write()
	return l
}

func (l *logs) write() {
	defer close(l.finished)
	for r := range l.records {
		// There is nobody to tell that the log cannot be written.
		_ = l.handler.Handle(context.Background(), r)
	}
}

// close ends the goroutine when it has written what waits.
func (l *logs) close() { close(l.records) }

// event logs an event. K is nil if no specification describes it.
func (l *logs) event(k *kind, e Event) {
	name, text := "unknown", "an event that no protocol describes"
	if k != nil {
		name, text = k.Name, k.Doc
	}
	level := l.levels[name] // LevelInfo is zero
	if !l.handler.Enabled(context.Background(), level) {
		return
	}
	limited := l.limits[name]
	if limited == nil {
		limited = &limit{Limiter: rate.NewLimiter(logRate, logBurst)}
		l.limits[name] = limited
	}
	if !limited.AllowN(e.Time, 1) {
		limited.suppressed++
		return
	}
	r := slog.NewRecord(e.Time, level, text, 0)
	r.AddAttrs(slog.String("event", e.Name), slog.String("node", e.Node.String()))
	if e.Peer != 0 {
		r.AddAttrs(slog.String("peer", e.Peer.String()))
	}
	for _, a := range e.Args {
		if a.hexadecimal() {
			r.AddAttrs(slog.String(a.Name, a.String()))
		} else {
			r.AddAttrs(slog.Uint64(a.Name, a.Value))
		}
	}
	if limited.suppressed > 0 {
		r.AddAttrs(slog.Uint64("suppressed", limited.suppressed))
	}
	select {
	case l.records <- r:
		limited.suppressed = 0
	default:
		l.dropped.Add(1)
	}
}
