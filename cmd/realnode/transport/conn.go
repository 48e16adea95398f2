package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connBuffer is what a connection reads and writes at once, in bytes, where
	// messages are small.
	connBuffer = 16 << 10
	// batchBytes is how much a connection takes from the queue at once.
	batchBytes = 64 << 10
	// writeChunk is how much is written at once, in bytes.
	writeChunk = 64 << 10
	// orderGrace is how long a new connection waits for one that rests, in both
	// directions, so that messages stay in order.
	orderGrace = 2 * time.Second
)

// conn is one end of a connection. One goroutine reads it and one writes it.
type conn struct {
	t      *Transport
	p      *peer
	nc     net.Conn
	opened bool // by this node

	wake    chan struct{} // tells the writer that something changed
	dead    chan struct{} // closed by shut
	readAll chan struct{} // closed when nothing more is read
	once    sync.Once
	used    atomic.Int64 // when last, in nanoseconds since Transport.epoch

	// Transport.mu guards what follows.
	writing  int  // frames that are being written
	resting  bool // this end sends nothing more
	restedAt time.Time
	replaced bool // was tx until the peer opened another
	down     bool // out of the books
	saidBye  bool
	heardBye bool

	batch   [][]byte  // the writer's own
	hurried time.Time // the reader's own: since when what is read has a deadline, zero if it has none
}

func (c *conn) touch()              { c.used.Store(int64(time.Since(c.t.epoch))) }
func (c *conn) idle() time.Duration { return time.Since(c.t.epoch) - time.Duration(c.used.Load()) }

// shut makes all reads and writes fail.
func (c *conn) shut() {
	c.once.Do(func() {
		close(c.dead)
		_ = c.nc.Close()
	})
}

func (c *conn) wakeWriter() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// start starts the goroutines. The caller holds Transport.mu.
func (c *conn) start() {
	var older []*conn
	for _, o := range c.p.conns {
		if o != c && o.resting {
			older = append(older, o)
		}
	}
	c.t.work.Go(func() { c.read(older) })
	c.t.work.Go(c.write)
}

// rest makes this end say goodbye. What the peer sends until it has heard that
// is still received. The caller holds Transport.mu.
func (c *conn) rest() {
	if c.resting || c.down {
		return
	}
	c.resting, c.restedAt = true, time.Now()
	if c.p.tx == c {
		c.p.tx = nil
	}
	c.t.count.streamsRested.Add(1)
	_ = c.nc.SetReadDeadline(c.restedAt.Add(c.t.limits.StreamTimeout))
	c.wakeWriter()
}

// fail takes a connection out of use that ended without a goodbye, and reports it
// if anything may be lost.
func (c *conn) fail() {
	c.t.mu.Lock()
	lost := c.takeDown()
	c.t.mu.Unlock()
	if lost {
		c.t.report(c.p.id)
	}
}

// takeDown is fail without the report: it tells whether one is due. The caller
// holds Transport.mu.
func (c *conn) takeDown() bool {
	if c.down {
		return false
	}
	c.down = true
	lost := c.p.tx == c || c.writing > 0 || (c.replaced && !c.resting)
	if c.p.tx == c {
		c.p.tx = nil
		c.t.loseQueue(c.p)
	}
	c.t.removeConn(c)
	c.t.forget(c.p)
	c.shut()
	if c.p.tx != nil {
		c.p.tx.wakeWriter() // it may have waited for this one
	}
	return lost
}

// part ends a connection on which both ends have said goodbye. The caller holds
// Transport.mu.
func (c *conn) part() {
	if c.saidBye && c.heardBye {
		c.takeDown()
	}
}

// read receives until the connection ends. What is still to come on older
// connections, to which this end has said goodbye, comes first.
func (c *conn) read(older []*conn) {
	defer close(c.readAll)
	if c.opened {
		if err := c.expectHello(); err != nil {
			c.t.count.Drop(reasonOf(err, Handshake))
			c.fail()
			return
		}
	}
	c.await(older)
	r := frameReader{
		r: bufio.NewReaderSize(c.nc, connBuffer), limit: c.t.limits.MaxStreamFrame,
		progress: c.hurry, reserve: c.t.reserve,
	}
	for {
		frame, err := r.next()
		switch {
		case errors.Is(err, errGoodbye):
			c.goodbye()
			return
		case err != nil:
			var refused *refusal
			switch {
			case errors.As(err, &refused):
				c.t.count.Drop(refused.reason)
			case isTimeout(err) && !c.hurried.IsZero():
				c.t.count.Drop(Slow)
			}
			c.fail()
			return
		}
		c.calm()
		c.touch()
		c.t.count.framesIn.Add(1)
		c.t.count.frameBytesIn.Add(uint64(len(frame) + lengthSize))
		c.t.cfg.Deliver(c.p.id, frame, true)
	}
}

// expectHello reads the answer to this end's hello. A process that is stopped
// answers late, so it has as long as any other progress.
func (c *conn) expectHello() error {
	c.hurry(0)
	h, err := readHello(c.nc)
	if err != nil {
		return err
	}
	if h.to != c.t.cfg.Self {
		return refuse(NotForUs, "hello from %v is for %v", h.from, h.to)
	}
	id, ok := c.t.cfg.Network.Vouch(addrPort(c.nc.RemoteAddr()), h.from)
	if !ok || id != c.p.id {
		return refuse(Unvouched, "hello comes from %v, want %v", h.from, c.p.id)
	}
	c.calm()
	return nil
}

// await waits until nothing more comes on older connections, but not for long.
func (c *conn) await(older []*conn) {
	if len(older) == 0 {
		return
	}
	grace := time.NewTimer(orderGrace)
	defer grace.Stop()
	for _, o := range older {
		select {
		case <-o.readAll:
		case <-grace.C:
			return
		case <-c.dead:
			return
		}
	}
}

// hurry gives the next read of a message a deadline: there has to be progress
// within Limits.StreamTimeout, and after that time all in all as much as
// Limits.MinStreamRate wants. What has come, and not what was announced, buys
// more time: a length costs nothing.
func (c *conn) hurry(have int) {
	c.touch()
	now := time.Now()
	if c.hurried.IsZero() {
		c.hurried = now
	}
	earned := time.Duration(float64(have) / float64(c.t.limits.MinStreamRate) * float64(time.Second))
	deadline := c.hurried.Add(earned)
	if now.Before(deadline) {
		deadline = now
	}
	_ = c.nc.SetReadDeadline(deadline.Add(c.t.limits.StreamTimeout))
}

// calm takes the deadline back after a message, unless the connection rests.
func (c *conn) calm() {
	if c.hurried.IsZero() {
		return
	}
	c.hurried = time.Time{}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if !c.resting {
		_ = c.nc.SetReadDeadline(time.Time{})
	}
}

// goodbye is the peer's: it reads no answer later than the one it now gets.
func (c *conn) goodbye() {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.heardBye = true
	c.rest()
	c.part()
	c.t.push(c.p)
}

// reserve books n bytes of messages that arrive.
func (t *Transport) reserve(n int) bool {
	if t.reading.Add(int64(n)) <= int64(t.limits.MaxReadingBytes) || n <= 0 {
		return true
	}
	t.reading.Add(int64(-n))
	return false
}

// write sends until the connection ends.
func (c *conn) write() {
	w := bufio.NewWriterSize(chunks{c}, connBuffer)
	if c.opened {
		_, _ = w.Write(appendHello(nil, parties{c.t.cfg.Self, c.p.id})) // it fits the buffer
	}
	for {
		frames, resting, wait := c.take()
		err := writeFrames(w, frames)
		if err == nil && resting {
			_, err = w.Write(make([]byte, lengthSize))
		}
		if err == nil {
			err = w.Flush()
		}
		c.wrote(frames, err)
		switch {
		case err != nil:
			c.fail()
			return
		case resting:
			c.t.mu.Lock()
			c.saidBye = true
			c.part()
			c.t.mu.Unlock()
			return
		case len(frames) > 0:
			continue
		}
		if !c.sleep(wait) {
			return
		}
	}
}

// sleep waits until something may be to be written, or for d if that is not
// zero. It returns false when the connection is shut.
func (c *conn) sleep(d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-c.wake:
	case <-over:
	case <-c.dead:
		return false
	}
	return true
}

// take takes what is to be written next, perhaps nothing; resting tells that
// nothing will follow, wait after what time to ask again. A message does not
// overtake those that went over a connection to which the peer has not said
// goodbye yet: with that it shows that it has read them all.
func (c *conn) take() (frames [][]byte, resting bool, wait time.Duration) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	p := c.p
	if p.tx != c {
		return nil, c.resting, 0
	}
	for _, o := range p.conns {
		if left := orderGrace - time.Since(o.restedAt); o.resting && left > 0 {
			return nil, false, left
		}
	}
	n, size := 0, 0
	for n < len(p.queue) && (n == 0 || size+len(p.queue[n]) <= batchBytes) {
		size += len(p.queue[n])
		n++
	}
	c.batch = append(c.batch[:0], p.queue[:n]...)
	clear(p.queue[:n])
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	c.writing = n
	return c.batch, false, 0
}

// wrote accounts for frames that were taken.
func (c *conn) wrote(frames [][]byte, err error) {
	if len(frames) == 0 {
		return
	}
	size := 0
	for _, frame := range frames {
		size += len(frame)
	}
	clear(frames)
	c.t.mu.Lock()
	c.p.bytes -= size
	c.t.addQueued(-size)
	if err == nil {
		c.writing = 0 // else fail has to know
	}
	c.t.mu.Unlock()
	if err != nil {
		for range frames {
			c.t.count.Drop(Lost)
		}
		return
	}
	c.t.count.framesOut.Add(uint64(len(frames)))
	c.t.count.frameBytesOut.Add(uint64(size + len(frames)*lengthSize))
}

func writeFrames(w *bufio.Writer, frames [][]byte) error {
	for _, frame := range frames {
		var length [lengthSize]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(frame)))
		if _, err := w.Write(length[:]); err != nil {
			return err
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

// chunks writes to a connection as long as there is progress. It looks for that
// several times within Limits.StreamTimeout, so that a write that got through in
// part does not double the wait.
type chunks struct{ c *conn }

func (w chunks) Write(b []byte) (int, error) {
	patience := w.c.t.limits.StreamTimeout
	done, last := 0, time.Now()
	for done < len(b) {
		w.c.touch()
		deadline := time.Now().Add(patience / 8)
		if end := last.Add(patience); end.Before(deadline) {
			deadline = end
		}
		if err := w.c.nc.SetWriteDeadline(deadline); err != nil {
			return done, fmt.Errorf("write to stream: %w", err)
		}
		n, err := w.c.nc.Write(b[done:min(len(b), done+writeChunk)])
		done += n
		if n > 0 {
			last = time.Now()
		}
		if err != nil && !(isTimeout(err) && time.Since(last) < patience) {
			return done, fmt.Errorf("write to stream: %w", err)
		}
	}
	return done, nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
