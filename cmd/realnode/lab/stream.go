package lab

import (
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// Streams behave as those of a simulated world (sim/stream.go), as far as the
// sending end can tell: the shim models the handshake and each message's time,
// waits while the path is cut, and gives up after StreamTimeout without
// progress. That a peer's process is gone is found out by the transport, which
// says so by StreamBroken.

// What a stream charges the network beyond the frame: four bytes of length,
// and for each segment 20 bytes of IPv4, 20 of TCP and 12 of its time stamps.
const (
	streamLength  = 4
	segmentHeader = 52
)

func streamSize(frame []byte) int64 {
	n := int64(streamLength + len(frame))
	return n + (n+netmodel.DefaultMSS-1)/netmodel.DefaultMSS*segmentHeader
}

type phase uint8

const (
	closed phase = iota
	connecting
	open
)

// end is this node's end of the stream to a peer.
type end struct {
	// opened and written count connection attempts and messages: the model's k.
	opened, written uint32
	// life changes when the connection below breaks: what was on its way is
	// lost.
	life     uint32
	phase    phase
	shaken   bool  // the handshake is under way
	doomed   bool  // breaks when it wakes
	free     int64 // when the last message was put on the wire whole
	arrival  int64 // when it arrives
	lastUsed int64
	// severed: the connection below broke where nothing gets through. The node
	// has to find out by itself.
	severed bool

	// What follows has a meaning while the end waits.
	waiting bool
	queue   [][]byte
	wakeAt  int64 // 0 if it is not to wake
	// stalled is since when nothing gets through, -1 if it does; tries counts
	// the attempts since.
	stalled int64
	tries   int
}

// SendStream sends a frame on the stream to a node. The frame is the shim's from
// now on.
func (s *Shim) SendStream(to protocol.NodeID, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.StreamMessages++
	s.charge(frame, streamSize(frame))
	if len(frame) > protocol.MaxStreamMessage+protocol.FrameOverhead {
		s.lose(LostTooLarge)
		return
	}
	p, ok := s.peer(to)
	if !ok {
		return
	}
	now := s.read()
	if !s.room(len(frame)) {
		s.overflow(p)
		return
	}
	if int(p.index) == s.cfg.Self {
		s.push(event{at: s.later(int64(netmodel.Loopback)), what: message, peer: p, frame: frame, life: p.life})
		return
	}
	if p.phase == open && !p.waiting && now-p.lastUsed > int64(s.cfg.StreamIdle) {
		p.phase, p.free = closed, 0
	}
	p.lastUsed = now
	if p.phase == open && !p.waiting && s.put(p, frame) {
		return
	}
	p.wait()
	p.queue = append(p.queue, frame)
	if p.phase == closed && !p.doomed {
		p.phase = connecting
		s.connect(p)
	}
}

// overflow loses a message that there is no room for, which breaks its stream.
// The end hears of it by waking, for its owner may be in the middle of a send.
func (s *Shim) overflow(p *peer) {
	s.lose(LostOverflow)
	if !p.doomed {
		p.doomed = true
		s.wake(p, 0)
	}
}

// StreamReceived tells that a message from a peer came by stream; first says
// that it is the first on a connection that the peer opened. What is sent to the
// peer then goes over that connection and needs no handshake.
func (s *Shim) StreamReceived(from protocol.NodeID, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if i, ok := s.cfg.Index(from); !ok || i == s.cfg.Self {
		return
	}
	p, ok := s.peer(from)
	if !ok {
		return
	}
	p.lastUsed = s.read()
	p.severed = false // there is another connection
	if first && p.phase == closed {
		p.phase = open
	}
}

// StreamBroken tells that the transport's connection to a peer broke, or could
// not be opened. What was on its way is lost, and Config.Broken is called if
// this end was open; unless the path is cut, for then such news does not get
// through either: this end finds out when it gives up, or when it sends after
// the cut has healed.
func (s *Shim) StreamBroken(id protocol.NodeID) {
	if s.cutOff(id) {
		s.broke(id)
	}
}

// cutOff ends the stream to a peer because the transport says so, and tells
// whether the node has to know. An end that is not open has sent nothing, or
// its last break was reported already.
func (s *Shim) cutOff(id protocol.NodeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	i, ok := s.cfg.Index(id)
	if !ok {
		return false
	}
	p := s.peers[i]
	if p == nil {
		return false
	}
	p.life++
	p.arrival = 0
	if p.phase != open && i != s.cfg.Self {
		return false
	}
	if i != s.cfg.Self && s.cut(p) {
		p.severed = true
		return false
	}
	s.breakEnd(p)
	return true
}

// wait makes an end wait, if it does not do so yet.
func (e *end) wait() {
	if !e.waiting {
		e.waiting, e.wakeAt, e.stalled, e.tries = true, 0, -1, 0
	}
}

func (s *Shim) wake(p *peer, after int64) {
	p.wait()
	p.wakeAt = s.later(after)
	s.push(event{at: p.wakeAt, what: wake, peer: p})
}

// cut tells whether nothing gets through between this node and a peer.
func (s *Shim) cut(p *peer) bool {
	self := uint32(s.cfg.Self)
	return s.cfg.Model.Cut(self, p.index) || s.cfg.Model.Cut(p.index, self)
}

// oneWay is the latency of the path to a peer, without a draw.
func (s *Shim) oneWay(p *peer) int64 {
	return max(s.cfg.Model.RTT(uint32(s.cfg.Self), p.index)/2, s.cfg.Model.MinDelay(), 1)
}

// patience is for how much longer a stalled end tries.
func (s *Shim) patience(p *peer) int64 { return p.stalled + int64(s.cfg.StreamTimeout) - s.now }

// connect tries to open the connection.
func (s *Shim) connect(p *peer) {
	if p.stalled < 0 {
		p.stalled = s.now
	}
	if s.cut(p) {
		s.stall(p)
		return
	}
	k := p.opened
	p.opened++
	delay, ok := s.cfg.Model.StreamConnect(uint32(s.cfg.Self), p.index, s.now, k)
	if left := s.patience(p); !ok || delay > left {
		p.doomed, delay = true, left
	}
	p.shaken = true
	s.wake(p, delay)
}

// stall puts off the next attempt.
func (s *Shim) stall(p *peer) {
	p.wait()
	if p.stalled < 0 {
		p.stalled = s.now
	}
	p.tries++
	retry := max(s.cfg.Model.StreamRetry(uint32(s.cfg.Self), p.index, p.tries), int64(time.Millisecond))
	s.wake(p, min(retry, s.patience(p)))
}

// write puts on the wire what waits, as far as the path takes it now.
func (s *Shim) write(p *peer) {
	for len(p.queue) > 0 {
		if !s.put(p, p.queue[0]) {
			return
		}
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.stalled, p.tries = -1, 0
	}
	p.queue, p.waiting = nil, false
}

// put puts a message on the wire of an open connection; false means that the
// path does not take it now, and that the end will wake.
func (s *Shim) put(p *peer, frame []byte) bool {
	if p.free > s.now {
		s.wake(p, p.free-s.now)
		return false
	}
	if s.cut(p) {
		s.stall(p)
		return false
	}
	if p.severed {
		p.doomed = true
		s.wake(p, 2*s.oneWay(p)) // what answers is a reset
		return false
	}
	k := p.written
	p.written++
	timeout := int64(s.cfg.StreamTimeout)
	delay, ok := s.cfg.Model.StreamTransmit(uint32(s.cfg.Self), p.index, streamSize(frame), s.now, timeout, k)
	if !ok {
		p.doomed = true
		s.wake(p, min(delay, timeout))
		return false
	}
	// The delay is the time to put the message on the wire and the latency of
	// its last byte.
	p.free = s.now + max(0, delay-s.oneWay(p))
	p.arrival = max(s.later(delay), p.arrival+1, s.now+s.cfg.Model.MinDelay())
	p.lastUsed = s.now
	s.push(event{at: p.arrival, what: message, peer: p, frame: frame, life: p.life})
	return true
}

// wakes carries on with an end that waited, and tells whether it broke.
func (s *Shim) wakes(e event) bool {
	p := e.peer
	if !p.waiting || p.wakeAt != e.at {
		return false
	}
	p.wakeAt = 0
	switch {
	case p.doomed, p.stalled >= 0 && s.patience(p) <= 0:
		s.breakEnd(p)
		return true
	case p.phase == open:
		s.write(p)
	case !p.shaken:
		s.connect(p)
	default: // the handshake is over
		p.shaken, p.phase = false, open
		p.stalled, p.tries = -1, 0
		s.write(p)
	}
	return false
}

// breakEnd ends the stream at this end; what waits for it is lost. What is on
// the wire goes on, and what is sent on the next connection stays behind it.
func (s *Shim) breakEnd(p *peer) {
	for _, frame := range p.queue {
		s.vacate(len(frame))
		s.lose(LostStream)
	}
	p.queue, p.waiting, p.wakeAt = nil, false, 0
	p.phase, p.shaken, p.doomed, p.severed, p.free = closed, false, false, false, 0
	s.stats.StreamsBroken++
}
