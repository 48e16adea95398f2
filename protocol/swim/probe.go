package swim

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// probe is the probe of the present protocol period.
type probe struct {
	active bool // begun and not yet answered
	target membertable.Member
	seq    uint32
	sent   protocol.Time
	nacks  int // wanted and not yet received
	asked  int // helpers asked that were told to send a nack
}

// relay is a probe made on behalf of another member.
type relay struct {
	seq    uint32 // of our ping
	target protocol.NodeID
	origin protocol.NodeID
	asked  uint32 // the origin's number
	nack   bool
}

// maxRelays bounds the probes made on behalf of others at one time.
const maxRelays = 1024

func (n *Node) startProbing(env protocol.Env) {
	interval := n.cfg().ProbeInterval.Std()
	first := env.Rand().DurationN(interval)
	if n.cfg().ProbePhase == "aligned" {
		first = untilMultiple(env.Now(), interval)
	}
	env.After(first, protocol.Timer{Kind: timerProbe})
}

// untilMultiple is the time from now to the next multiple of interval.
func untilMultiple(now protocol.Time, interval time.Duration) time.Duration {
	past := time.Duration(now) % interval
	if past < 0 {
		past += interval
	}
	return interval - past
}

// nextProbe ends a protocol period and begins the next (SWIM section 3.1).
func (n *Node) nextProbe(env protocol.Env) {
	if n.leaving {
		return
	}
	if n.probe.active {
		n.probeFailed(env)
	}
	period := n.cfg().ProbeInterval.Std()
	next := n.scaled(period)
	if n.cfg().ProbePhase == "aligned" {
		next += untilMultiple(env.Now(), period) - period
	}
	env.After(next, protocol.Timer{Kind: timerProbe})
	target, ok := n.nextTarget(env)
	if !ok {
		return
	}
	n.seq++
	n.probe = probe{active: true, target: target, seq: n.seq, sent: env.Now()}
	n.ping(env, target, n.seq)
	env.After(n.scaled(n.cfg().ProbeTimeout.Std()), protocol.Timer{Kind: timerProbeTimeout, Arg: uint64(n.seq)})
}

// nextTarget chooses whom to probe. Round robin in random order bounds the time
// until a failure is noticed (SWIM section 4.3); random is what SWIM's analysis
// assumes.
func (n *Node) nextTarget(env protocol.Env) (membertable.Member, bool) {
	if n.cfg().ProbeOrder == "random" {
		picked := n.pick(env, present, 1, nobody)
		if len(picked) == 0 {
			return membertable.Member{}, false
		}
		return picked[0], true
	}
	other := func(m membertable.Member) bool { return m.ID != n.self.ID }
	if m, ok := n.round.Next(n.table, present, other); ok {
		return m, true
	}
	n.round = membertable.NewRound(env.Rand().Uint64())
	return n.round.Next(n.table, present, other)
}

// ping sends a ping. A suspected member is told so first (Lifeguard, buddy
// system).
func (n *Node) ping(env protocol.Env, target membertable.Member, seq uint32) {
	m := &Ping{Seq: seq}
	var first []Update
	if s := n.suspicion(target.ID); s != nil && n.cfg().Buddy {
		first = []Update{s.update()}
	}
	m.Updates = n.piggyback(env, m.Size(), target.ID, first)
	n.send(env, target.ID, m)
}

// send sends a datagram whose size was kept within bounds when it was filled.
func (n *Node) send(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	// What does not fit is lost, as any datagram may be.
	_ = env.Send(to, m)
}

// answerPing answers, first of all what the ping said wrong of this node.
func (n *Node) answerPing(env protocol.Env, from protocol.NodeID, seq uint32, wrong bool) {
	m := &Ack{Seq: seq}
	first := n.obituary(from)
	if wrong {
		first = append(first, news(n.self, 0))
	}
	m.Updates = n.piggyback(env, m.Size(), from, first)
	n.send(env, from, m)
}

// obituary tells one that speaks, though it is dead or left here, so: it may
// have been away for longer than the news were on their way.
func (n *Node) obituary(of protocol.NodeID) []Update {
	m, ok := n.table.Get(of)
	if !ok || present.Has(m.Status) || n.leaving {
		return nil
	}
	return []Update{news(m, n.self.ID)}
}

// probeTimedOut asks others to probe, and a stream, in parallel.
func (n *Node) probeTimedOut(env protocol.Env, seq uint32) {
	p := &n.probe
	if !p.active || p.seq != seq || n.leaving {
		return
	}
	helpers := n.pick(env, membertable.SetOf(membertable.Alive), n.cfg().IndirectProbes, func(m membertable.Member) bool {
		return m.ID == p.target.ID
	})
	for _, h := range helpers {
		m := &PingReq{Seq: seq, Target: p.target.ID, Contact: p.target.Contact, WantNack: n.cfg().LocalHealth}
		var first []Update
		if s := n.suspicion(p.target.ID); s != nil && n.cfg().Buddy {
			first = []Update{s.update()}
		}
		m.Updates = n.piggyback(env, m.Size(), h.ID, first)
		n.send(env, h.ID, m)
		if m.WantNack {
			p.asked++
		}
	}
	p.nacks = p.asked
	if n.cfg().StreamProbe {
		// A stream that cannot be had is a stream that does not answer.
		_ = env.SendStream(p.target.ID, &StreamPing{Seq: seq})
	}
}

func (n *Node) relayProbe(env protocol.Env, origin protocol.NodeID, req *PingReq) {
	if n.leaving || len(n.relays) >= maxRelays || req.Target == n.self.ID {
		return
	}
	target, ok := n.table.Get(req.Target)
	if !ok {
		env.Introduce(req.Target, []byte(req.Contact))
		target = membertable.Member{ID: req.Target}
	}
	n.seq++
	n.relays = append(n.relays, relay{seq: n.seq, target: req.Target, origin: origin, asked: req.Seq, nack: req.WantNack})
	n.ping(env, target, n.seq)
	timeout := n.cfg().ProbeTimeout.Std()
	if req.WantNack {
		// The origin asked when its time-out had passed, and waits for what is
		// left of its period.
		wait := min(timeout, n.cfg().ProbeInterval.Std()-timeout)
		env.After(part(n.cfg().NackAfter, wait), protocol.Timer{Kind: timerRelayNack, Arg: uint64(n.seq)})
	}
	env.After(timeout, protocol.Timer{Kind: timerRelayEnd, Arg: uint64(n.seq)})
}

func (n *Node) relayNack(env protocol.Env, seq uint32) {
	if r := n.relay(seq); r != nil && r.nack {
		n.send(env, r.origin, &Nack{Seq: r.asked})
	}
}

func (n *Node) relayEnd(seq uint32) {
	for i := range n.relays {
		if n.relays[i].seq == seq {
			n.relays = append(n.relays[:i], n.relays[i+1:]...)
			return
		}
	}
}

func (n *Node) relay(seq uint32) *relay {
	for i := range n.relays {
		if n.relays[i].seq == seq {
			return &n.relays[i]
		}
	}
	return nil
}

func (n *Node) acked(env protocol.Env, from protocol.NodeID, seq uint32) {
	if r := n.relay(seq); r != nil {
		if from != r.target {
			return
		}
		m := &Ack{Seq: r.asked}
		m.Updates = n.piggyback(env, m.Size(), r.origin, nil)
		n.send(env, r.origin, m)
		n.relayEnd(seq)
		return
	}
	how := ProbeIndirect
	if from == n.probe.target.ID {
		how = ProbeDirect
	}
	n.probeSucceeded(env, seq, how)
}

func (n *Node) streamAcked(env protocol.Env, seq uint32) { n.probeSucceeded(env, seq, ProbeStream) }

func (n *Node) nacked(seq uint32) {
	if p := &n.probe; p.active && p.seq == seq && p.nacks > 0 {
		p.nacks--
	}
}

func (n *Node) probeSucceeded(env protocol.Env, seq uint32, how uint64) {
	p := &n.probe
	if !p.active || p.seq != seq {
		return
	}
	p.active = false
	n.changeHealth(env, -1)
	env.Emit(protocol.Event{Kind: EventProbe, Peer: p.target.ID, Args: [3]uint64{how, uint64(env.Now().Sub(p.sent))}})
}

// probeFailed: nobody answered within the period.
func (n *Node) probeFailed(env protocol.Env) {
	p := &n.probe
	p.active = false
	// Helpers that kept quiet, the target apart, are a sign that this node is
	// the trouble; where all of them answered, it is not. Without any to ask
	// the failure itself counts (Lifeguard section III.A).
	worse := 1
	if p.asked > 0 {
		worse = p.nacks
	}
	n.changeHealth(env, worse)
	env.Emit(protocol.Event{Kind: EventProbe, Peer: p.target.ID, Args: [3]uint64{ProbeFailed, 0}})
	m, ok := n.table.Get(p.target.ID)
	if !ok || !present.Has(m.Status) {
		return
	}
	if !n.cfg().Suspicion {
		n.declareDead(env, m, n.self.ID)
		return
	}
	n.suspect(env, m, m.Incarnation, n.self.ID, false)
}

// scaled is d stretched by the local health score (LHA-Probe).
func (n *Node) scaled(d time.Duration) time.Duration { return d * time.Duration(n.health+1) }

func (n *Node) changeHealth(env protocol.Env, by int) {
	if !n.cfg().LocalHealth {
		return
	}
	was := n.health
	n.health = uint8(min(max(int(was)+by, 0), n.cfg().AwarenessMax))
	if n.health != was {
		env.Emit(protocol.Event{Kind: EventHealth, Args: [3]uint64{uint64(n.health), uint64(was)}})
	}
}
