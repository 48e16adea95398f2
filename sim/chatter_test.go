package sim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// chatter is a protocol that does everything the contract allows, at random,
// and panics when the world breaks its word.
type chatter struct {
	rules *rules
	me    int

	started bool
	ended   bool
	counter map[protocol.NodeID]uint64 // stream messages sent, by receiver
	heard   map[protocol.NodeID]uint64 // last stream message, by sender and life
	life    uint64
	steps   int
}

// rules is what all nodes of a world know.
type rules struct {
	w        *sim.World
	minDelay time.Duration
	// trueClocks says that nodes' clocks show the world's time.
	trueClocks bool
}

const (
	kindChat   protocol.MessageKind = 0x9001
	timerChat  protocol.TimerKind   = 0x9001
	eventChat  protocol.EventKind   = 0x9001
	eventBreak protocol.EventKind   = 0x9002
	commandTag protocol.CommandKind = 0x9001
)

// chat is a message: when it was sent, its number in its stream (0 in a
// datagram), the life of the sender, a checksum of these, and padding, to which
// damage goes unnoticed.
type chat struct {
	sent, number, life uint64
	padding            []byte
}

const chatHeader = 32

func (*chat) Kind() protocol.MessageKind { return kindChat }
func (m *chat) Size() int                { return chatHeader + len(m.padding) }
func (m *chat) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.sent)
	b = binary.BigEndian.AppendUint64(b, m.number)
	b = binary.BigEndian.AppendUint64(b, m.life)
	b = binary.BigEndian.AppendUint64(b, m.checksum())
	return append(b, m.padding...)
}

func (m *chat) checksum() uint64 {
	return protocol.Mix(protocol.Mix(protocol.Mix(m.sent)+m.number) + m.life)
}

func decodeChat(b []byte) (protocol.Message, error) {
	if len(b) < chatHeader {
		return nil, fmt.Errorf("chat: got %d bytes: %w", len(b), protocol.ErrMalformed)
	}
	m := &chat{
		sent: binary.BigEndian.Uint64(b), number: binary.BigEndian.Uint64(b[8:]),
		life: binary.BigEndian.Uint64(b[16:]), padding: bytes.Clone(b[chatHeader:]),
	}
	if binary.BigEndian.Uint64(b[24:]) != m.checksum() {
		return nil, fmt.Errorf("chat: bad checksum: %w", protocol.ErrMalformed)
	}
	return m, nil
}

func (p *chatter) Start(env protocol.Env) {
	p.check(env)
	if p.started {
		panic("started twice")
	}
	p.started = true
	i, _ := p.rules.w.Index(env.ID())
	p.me = i
	p.life = env.Rand().Uint64()
	p.counter, p.heard = map[protocol.NodeID]uint64{}, map[protocol.NodeID]uint64{}
	for range 3 {
		p.after(env)
	}
	for _, seed := range env.Seeds() {
		// A node may be on its own list of seeds (see protocol.Env).
		if string(seed.Contact) != string(env.Contact(seed.ID)) {
			panic(fmt.Sprintf("node %v has seed %v at % x, want % x", env.ID(), seed.ID, seed.Contact, env.Contact(seed.ID)))
		}
		if seed.ID == env.ID() {
			continue
		}
		p.chatTo(env, seed.ID)
	}
}

func (p *chatter) check(env protocol.Env) {
	if p.ended {
		panic("called after its end")
	}
	if j, ok := p.rules.w.Index(env.ID()); !ok || (p.started && j != p.me) {
		panic("the environment is another node's")
	}
}

// after sets a timer; its argument is when it is due.
func (p *chatter) after(env protocol.Env) {
	d := env.Rand().DurationN(60 * time.Millisecond)
	if env.Rand().IntN(8) == 0 {
		d = -d / 1000
	}
	env.After(d, protocol.Timer{Kind: timerChat, Arg: uint64(env.Now().Add(max(d, 0)))})
}

func (p *chatter) Timer(env protocol.Env, t protocol.Timer) {
	p.check(env)
	if p.rules.trueClocks && uint64(env.Now()) < t.Arg {
		panic(fmt.Sprintf("timer of %d fired at %d", t.Arg, env.Now()))
	}
	p.act(env)
	p.after(env)
}

func (p *chatter) act(env protocol.Env) {
	p.steps++
	peer := p.rules.w.ID(env.Rand().IntN(p.rules.w.Nodes()))
	switch env.Rand().IntN(8) {
	case 0, 1, 2, 3:
		p.chatTo(env, peer)
	case 4, 5:
		p.streamTo(env, peer)
	case 6:
		p.store(env)
	case 7:
		env.Emit(protocol.Event{Kind: eventChat, Peer: peer, Args: [3]uint64{uint64(env.Now()), env.Rand().Uint64()}})
		env.Emit(protocol.Event{Kind: eventChat, Args: [3]uint64{uint64(p.steps)}})
	}
}

func (p *chatter) chatTo(env protocol.Env, to protocol.NodeID) {
	m := &chat{sent: uint64(env.Now()), life: p.life, padding: make([]byte, env.Rand().IntN(200))}
	if env.Rand().IntN(20) == 0 {
		m.padding = make([]byte, 60_000)
	}
	err := env.Send(to, m)
	if tooLarge := m.Size() > env.MaxDatagram(); errors.Is(err, protocol.ErrTooLarge) != tooLarge {
		panic(fmt.Sprintf("send %d of %d bytes: %v", m.Size(), env.MaxDatagram(), err))
	}
}

func (p *chatter) streamTo(env protocol.Env, to protocol.NodeID) {
	p.counter[to]++
	m := &chat{sent: uint64(env.Now()), number: p.counter[to], life: p.life, padding: make([]byte, env.Rand().IntN(5000))}
	if err := env.SendStream(to, m); err != nil {
		panic(err)
	}
}

func (p *chatter) store(env protocol.Env) {
	var b protocol.Batch
	key := []byte{byte(env.Rand().IntN(4))}
	b.Set(key, binary.BigEndian.AppendUint64(nil, env.Rand().Uint64()))
	err := env.Store().Apply(&b)
	if err == nil && env.Rand().IntN(2) == 0 {
		err = env.Store().Sync()
	}
	v, ok, getErr := env.Store().Get(key)
	args := [3]uint64{}
	scanErr := env.Store().Scan(nil, []byte{3}, func(k, v []byte) bool {
		args[2] = protocol.Mix(args[2]) ^ uint64(k[0]) ^ binary.BigEndian.Uint64(v)
		return true
	})
	if err != nil || getErr != nil || scanErr != nil {
		args[0] = 1
	}
	if ok && len(v) == 8 {
		args[1] = binary.BigEndian.Uint64(v)
	}
	env.Emit(protocol.Event{Kind: eventChat, Args: args})
}

func (p *chatter) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	p.check(env)
	c := m.(*chat)
	if p.rules.trueClocks && from != env.ID() {
		if at := time.Duration(env.Now()) - time.Duration(c.sent); at < p.rules.minDelay {
			panic(fmt.Sprintf("message arrived after %v, want at least %v", at, p.rules.minDelay))
		}
	}
	if c.number > 0 {
		last := p.heard[from^protocol.NodeID(c.life)]
		if c.number <= last {
			panic(fmt.Sprintf("stream message %d after %d", c.number, last))
		}
		p.heard[from^protocol.NodeID(c.life)] = c.number
	}
	for _, b := range c.padding {
		if b != 0 { // what damage did is part of what is received
			env.Emit(protocol.Event{Kind: eventChat, Peer: from, Args: [3]uint64{uint64(b)}})
		}
	}
	switch env.Rand().IntN(6) {
	case 0:
		p.streamTo(env, from)
	case 1:
		p.chatTo(env, from)
	}
}

func (p *chatter) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	p.check(env)
	env.Emit(protocol.Event{Kind: eventBreak, Peer: peer})
	if env.Rand().IntN(2) == 0 {
		p.streamTo(env, peer)
	}
}

func (p *chatter) Leave(env protocol.Env) time.Duration {
	p.check(env)
	p.streamTo(env, p.rules.w.ID(0))
	p.chatTo(env, p.rules.w.ID(0))
	return env.Rand().DurationN(50 * time.Millisecond)
}

var errNotNow = errors.New("not now")

func (p *chatter) Command(env protocol.Env, c protocol.Command) error {
	p.check(env)
	env.Emit(protocol.Event{Kind: eventChat, Args: [3]uint64{uint64(len(c.Value)), c.Args[0]}})
	p.act(env)
	if env.Rand().IntN(4) == 0 {
		return errNotNow
	}
	return nil
}
