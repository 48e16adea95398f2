package lab

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// Lower is the transport below a [Shim]. Its methods are called by the shim's
// goroutine, one at a time; while one does not return, everything else is late.
type Lower interface {
	// Send sends a datagram. The frame is the shim's again when Send returns,
	// and must not be changed.
	Send(to protocol.NodeID, frame []byte)
	// SendStream sends a frame on the stream to a node, opened if there is
	// none. The frame is the transport's from now on.
	SendStream(to protocol.NodeID, frame []byte)
	// MaxDatagram is the size in bytes of the largest frame that Send takes. It
	// is asked once.
	MaxDatagram() int
}

// Defaults of a [Config].
const (
	// DefaultMaxWaiting is enough for a thousand messages a second that take a
	// minute each.
	DefaultMaxWaiting = 1 << 16
	// DefaultMaxWaitingBytes is four messages of the largest size that streams
	// carry.
	DefaultMaxWaitingBytes = 4 * protocol.MaxStreamMessage
	// DefaultStreamTimeout and DefaultStreamIdle are those of a simulated world
	// (sim.Config).
	DefaultStreamTimeout = 10 * time.Second
	DefaultStreamIdle    = time.Minute
)

// Config is what a [Shim] is made of.
type Config struct {
	// Self is this node's index in the model.
	Self int
	// Index returns the index of a node in the model; ok is false if it has
	// none. It is called while the shim is locked and must not call it.
	Index func(id protocol.NodeID) (index int, ok bool)
	// Model is the network. It belongs to the shim from now on: nobody else
	// may call it.
	Model *netmodel.Model
	// Lower is the transport.
	Lower Lower
	// Now is the time since the run began, which is the same instant for all
	// processes of a run. It is read from several goroutines.
	Now func() time.Duration

	// Deliver takes what came through the downlink; see [Shim.Receive]. The
	// frame is the shim's again when it returns. It may be nil if the model
	// limits no downlink.
	Deliver func(from protocol.NodeID, frame []byte)
	// Broken, if not nil, is told that the stream to a peer broke: what was
	// sent on it and has not arrived is lost. It is called without locks held,
	// on the shim's goroutine or within [Shim.StreamBroken].
	Broken func(peer protocol.NodeID)

	// StreamTimeout is how long a stream goes on trying without progress. 0
	// means DefaultStreamTimeout.
	StreamTimeout time.Duration
	// StreamIdle is how long a stream stays open unused; the next message then
	// costs a handshake again. It should be what the transport does, or what
	// the scenario says. 0 means DefaultStreamIdle; below 0 streams stay open.
	StreamIdle time.Duration
	// MaxWaiting and MaxWaitingBytes bound what the shim holds back, in
	// messages and in bytes of their frames. A datagram that finds no room is
	// lost; a message of a stream breaks it. 0 means the defaults.
	MaxWaiting, MaxWaitingBytes int
	// FirstK is by how many messages to each peer this process begins to count.
	// The k-th message of a process that was started again has the fate of the
	// k-th of its first life, unless this is larger than what that sent.
	FirstK uint32
}

func (c *Config) check() error {
	switch {
	case c.Index == nil:
		return errors.New("no function that finds nodes' indices")
	case c.Model == nil:
		return errors.New("no network model")
	case c.Lower == nil:
		return errors.New("no transport below")
	case c.Now == nil:
		return errors.New("no clock")
	case c.Self < 0 || c.Self >= c.Model.Nodes():
		return fmt.Errorf("got own index %d, want 0 to %d", c.Self, c.Model.Nodes()-1)
	case c.Deliver == nil && c.Model.HasDownlink():
		return errors.New("the model limits downlinks, and there is nobody to deliver to")
	case c.StreamTimeout < 0:
		return fmt.Errorf("got stream time-out %v, want 0 or more", c.StreamTimeout)
	case c.MaxWaiting < 0 || c.MaxWaitingBytes < 0:
		return fmt.Errorf("got room for %d messages and %d bytes, want 0 or more", c.MaxWaiting, c.MaxWaitingBytes)
	}
	return nil
}

// Shim is one process's part of the network. Its methods are safe for
// concurrent use.
type Shim struct {
	cfg         Config
	maxDatagram int

	// kick tells the goroutine that something is due earlier than what it waits
	// for; quit that the shim is closed.
	kick, quit, ended chan struct{}

	mu     sync.Mutex
	closed bool
	now    int64 // the latest reading of the clock
	queue  queue
	peers  map[int]*peer
	rules  map[netmodel.RuleID]netmodel.Rule
	stats  Stats
	lost   map[Loss]uint64
	sent   map[protocol.MessageKind]Traffic
	// silenced counts, by index, the rules of Silence in force.
	silenced map[uint32]int
}

// peer is what the shim knows of a node that it sends to.
type peer struct {
	id    protocol.NodeID
	index uint32
	sent  uint32 // datagrams: the model's k
	end
}

// New returns a shim that is at work until it is closed.
func New(cfg Config) (*Shim, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("new lab shim: %w", err)
	}
	if cfg.StreamTimeout == 0 {
		cfg.StreamTimeout = DefaultStreamTimeout
	}
	if cfg.StreamIdle == 0 {
		cfg.StreamIdle = DefaultStreamIdle
	} else if cfg.StreamIdle < 0 {
		cfg.StreamIdle = math.MaxInt64
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = DefaultMaxWaiting
	}
	if cfg.MaxWaitingBytes == 0 {
		cfg.MaxWaitingBytes = DefaultMaxWaitingBytes
	}
	s := &Shim{
		cfg:         cfg,
		maxDatagram: min(cfg.Lower.MaxDatagram(), cfg.Model.MTU()),
		kick:        make(chan struct{}, 1),
		quit:        make(chan struct{}),
		ended:       make(chan struct{}),
		peers:       make(map[int]*peer),
		rules:       make(map[netmodel.RuleID]netmodel.Rule),
		lost:        make(map[Loss]uint64),
		sent:        make(map[protocol.MessageKind]Traffic),
		silenced:    make(map[uint32]int),
	}
	go s.run()
	return s, nil
}

// MaxDatagram is the size in bytes of the largest frame that Send takes.
func (s *Shim) MaxDatagram() int { return s.maxDatagram }

// Close ends the shim; what waits is lost, and so is what is sent from now on.
// It returns when the shim's goroutine has ended, and must not be called by a
// function that the shim calls.
func (s *Shim) Close() {
	s.mu.Lock()
	first := !s.closed
	if first {
		s.closed = true
		s.lost[LostClosed] += uint64(s.stats.Waiting)
		s.stats.Waiting, s.stats.WaitingBytes = 0, 0
		s.queue, s.peers = queue{}, nil
	}
	s.mu.Unlock()
	if first {
		close(s.quit)
	}
	<-s.ended
}

// Send sends a datagram as far as the model lets it. The frame is the caller's
// again when Send returns.
func (s *Shim) Send(to protocol.NodeID, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Datagrams++
	s.charge(frame, int64(len(frame)+s.cfg.Model.Header()))
	if len(frame) > s.maxDatagram {
		s.lose(LostTooLarge)
		return
	}
	p, ok := s.peer(to)
	if !ok {
		return
	}
	packet := netmodel.Packet{
		From: uint32(s.cfg.Self), To: p.index, K: p.sent,
		Size: int32(len(frame) + s.cfg.Model.Header()),
		Now:  s.read(),
	}
	p.sent++
	var fate netmodel.Fate
	s.cfg.Model.Datagram(&packet, &fate)
	if fate.Lost != netmodel.Delivered {
		why := Loss(fate.Lost.String())
		if why == LostCut && s.silent(p.index) {
			why = LostNobody
		}
		s.lose(why)
		return
	}
	intact := append([]byte(nil), frame...)
	first := intact
	if fate.Corrupt != 0 {
		s.stats.Corrupted++
		if fate.Duplicate >= 0 {
			first = append([]byte(nil), frame...)
		}
		first = netmodel.Damage(first, fate.Corrupt)
	}
	s.hold(datagram, p, fate.Delay, first)
	if fate.Duplicate >= 0 {
		s.stats.Duplicated++
		s.hold(datagram, p, fate.Duplicate, intact)
	}
}

// Receive takes a datagram that arrived and calls Config.Deliver with it: at
// once, unless the model limits this node's downlink. The frame is the caller's
// again when Receive returns.
func (s *Shim) Receive(from protocol.NodeID, frame []byte) {
	if s.arrive(from, frame) {
		s.cfg.Deliver(from, frame)
	}
}

// arrive takes a datagram through the downlink and tells whether it is here.
func (s *Shim) arrive(from protocol.NodeID, frame []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Received++
	if s.closed || s.cfg.Deliver == nil {
		s.lose(LostClosed)
		return false
	}
	now := s.read()
	at, ok := s.cfg.Model.Arrive(uint32(s.cfg.Self), int32(len(frame)+s.cfg.Model.Header()), now)
	if !ok {
		s.lose(LostDownlink)
		return false
	}
	if at <= now {
		s.stats.Delivered++
		return true
	}
	s.hold(delivery, &peer{id: from}, at-now, append([]byte(nil), frame...))
	return false
}

// peer returns what is known of a node; false means that a message to it is
// lost, which is counted.
func (s *Shim) peer(id protocol.NodeID) (*peer, bool) {
	if s.closed {
		s.lose(LostClosed)
		return nil, false
	}
	i, ok := s.cfg.Index(id)
	if !ok || i < 0 || i >= s.cfg.Model.Nodes() {
		s.lose(LostNobody)
		return nil, false
	}
	p := s.peers[i]
	if p == nil {
		p = &peer{id: id, index: uint32(i), sent: s.cfg.FirstK}
		p.opened, p.written = s.cfg.FirstK, s.cfg.FirstK
		s.peers[i] = p
	}
	return p, true
}

// read reads the clock. The model wants time not to run backwards, which a
// caller's clock must not either; but two callers may read it in one order and
// lock the shim in the other.
func (s *Shim) read() int64 {
	s.now = max(s.now, int64(s.cfg.Now()))
	return s.now
}

// endOfTime is further away than any run, and far enough from the end of int64
// for sums.
const endOfTime = int64(1) << 61

// later returns the time in d nanoseconds, of which there is at least one.
func (s *Shim) later(d int64) int64 { return s.now + min(max(d, 1), endOfTime) }

// hold keeps a datagram for a time, if there is room.
func (s *Shim) hold(what what, p *peer, delay int64, frame []byte) {
	if !s.room(len(frame)) {
		s.lose(LostOverflow)
		return
	}
	s.push(event{at: s.later(delay), what: what, peer: p, frame: frame})
}

// room takes room for a message; false means that there is none.
func (s *Shim) room(size int) bool {
	st := &s.stats
	if st.Waiting >= s.cfg.MaxWaiting || size > s.cfg.MaxWaitingBytes-st.WaitingBytes {
		return false
	}
	st.Waiting++
	st.WaitingBytes += size
	return true
}

// vacate gives room back.
func (s *Shim) vacate(size int) {
	s.stats.Waiting--
	s.stats.WaitingBytes -= size
}

// push puts an event into the queue, and wakes the goroutine if that is the next
// one.
func (s *Shim) push(e event) {
	if !s.queue.push(e) {
		return
	}
	select {
	case s.kick <- struct{}{}:
	default: // it will look anyway
	}
}

// run does what is due until the shim is closed.
func (s *Shim) run() {
	defer close(s.ended)
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	for {
		e, wait := s.next()
		switch e.what {
		case nothing:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-s.kick:
			case <-s.quit:
				return
			}
		case datagram:
			s.cfg.Lower.Send(e.peer.id, e.frame)
		case message:
			s.cfg.Lower.SendStream(e.peer.id, e.frame)
		case delivery:
			s.cfg.Deliver(e.peer.id, e.frame)
		case broken:
			s.broke(e.peer.id)
		}
	}
}

// next returns what is to be done outside the lock, or nothing and for how long
// there will be nothing.
func (s *Shim) next() (event, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		at, ok := s.queue.first()
		if !ok {
			return event{}, math.MaxInt64
		}
		if now := s.read(); at > now {
			return event{}, time.Duration(at - now)
		}
		e := s.queue.pop()
		if e.what == wake {
			if s.wakes(e) {
				return event{what: broken, peer: e.peer}, 0
			}
			continue
		}
		s.vacate(len(e.frame))
		if e.what == message && e.life != e.peer.life {
			s.lose(LostStream)
			continue
		}
		s.leave(&e)
		return e, 0
	}
}

// leave counts a message that is done with waiting.
func (s *Shim) leave(e *event) {
	switch e.what {
	case datagram:
		s.stats.Passed++
	case message:
		s.stats.StreamPassed++
	case delivery:
		s.stats.Delivered++
	}
	late := time.Duration(s.now - e.at)
	s.stats.Late += late
	s.stats.MostLate = max(s.stats.MostLate, late)
}

// broke tells the node that a stream broke.
func (s *Shim) broke(id protocol.NodeID) {
	if s.cfg.Broken != nil {
		s.cfg.Broken(id)
	}
}
