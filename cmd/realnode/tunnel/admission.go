package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// admission is the part of a tunnel that sends and takes admission datagrams.
// Cheap checks are done by the goroutine that receives for the whole device;
// what costs is left to one of its own, so that the device is never held up.
type admission struct {
	queue   chan parcel
	limit   *limiter // by the receiving goroutine only
	seen    *nonces  // by the worker only
	running sync.WaitGroup

	mu      sync.Mutex
	pending map[nonce]*exchange
}

type parcel struct {
	bytes [admitSize]byte
	from  netip.AddrPort
	asked *exchange // of an answer
}

// exchange is a request that was sent.
type exchange struct {
	key    [32]byte
	target protocol.NodeID // 0: whoever answers
	ticket bool
	again  bool // repeated because nothing came back
	until  time.Duration
	done   chan<- protocol.NodeID // nil: nobody waits; has room for one
}

const (
	queueParcels = 256
	// maxPending bounds the requests that wait for an answer, and answerTime
	// how long they do.
	maxPending = 4096
	answerTime = 10 * time.Second
)

func (a *admission) init() {
	a.queue = make(chan parcel, queueParcels)
	a.limit = newLimiter()
	a.seen = newNonces()
	a.pending = map[nonce]*exchange{}
}

func (a *admission) run(t *Tunnel) {
	a.running.Go(func() {
		for {
			select {
			case <-t.closing.Done():
				return
			case p := <-a.queue:
				if err := t.open(&p); err != nil {
					t.refuse(err, p.from)
				}
			}
		}
	})
}

func (a *admission) wait() { a.running.Wait() }

// refuse counts what was refused. Only what somebody proved is worth a line.
func (t *Tunnel) refuse(err error, from netip.AddrPort) {
	var reason Reason
	if !errors.As(err, &reason) {
		t.log.Warn("admission failed", "from", from, "err", err)
		return
	}
	t.count.drop(reason)
	if reason >= ReasonStale {
		t.log.Info("admission refused", "from", from, "reason", reason.String())
	}
}

// screen does the cheap checks on a datagram that is not WireGuard's.
func (t *Tunnel) screen(b []byte, from netip.AddrPort) {
	asked, reason, ok := t.screened(b, from)
	if !ok {
		t.count.drop(reason)
		return
	}
	select {
	case t.admission.queue <- parcel{[admitSize]byte(b), from, asked}:
	default:
		t.count.drop(ReasonBusy)
	}
}

func (t *Tunnel) screened(b []byte, from netip.AddrPort) (asked *exchange, reason Reason, ok bool) {
	if !isAdmission(b) {
		return nil, ReasonForeign, false
	}
	if kind, _ := admissionKind(b); kind == kindAnswer {
		a, err := answerHead(b)
		if err != nil {
			return nil, ReasonMalformed, false
		}
		asked := t.asked(a.request)
		return asked, ReasonUnasked, asked != nil
	}
	r, err := requestHead(b)
	switch {
	case err != nil:
		return nil, ReasonMalformed, false
	case r.target != 0 && r.target != t.id:
		return nil, ReasonMisdirected, false
	case r.proof == proofTicket && t.secret == nil:
		return nil, ReasonNoSecret, false
	case r.proof == proofTicket && t.wallClock().Unix() >= int64(min(r.expiry, maxExpiry)):
		return nil, ReasonExpired, false
	case !t.admission.limit.allow(from.Addr(), t.now()):
		return nil, ReasonLimited, false
	}
	return nil, 0, true
}

func (t *Tunnel) open(p *parcel) error {
	if p.asked != nil {
		return t.takeAnswer(p)
	}
	return t.takeRequest(p)
}

// takeRequest admits whoever proves that it may be a peer.
func (t *Tunnel) takeRequest(p *parcel) error {
	head, err := requestHead(p.bytes[:])
	if err != nil {
		return ReasonMalformed
	}
	t.mu.RLock()
	member := t.member
	t.mu.RUnlock()
	if member.isZero() {
		return ReasonNoSecret
	}
	key := member.announce()
	if head.proof == proofTicket {
		key = t.secret.ticketKey(head.ticket, head.expiry)
	}
	r, err := openRequest(key, p.bytes[:])
	if errors.Is(err, errSealed) {
		return ReasonUnproven
	}
	if err != nil {
		return errors.Join(ReasonMalformed, err)
	}
	if t.answerMyself(r) {
		return nil
	}
	seen := t.admission.seen
	seen.turn(t.now())
	switch {
	case !r.timely(t.wallClock()):
		return ReasonStale
	case seen.seen(r.nonce):
		return ReasonReplayed
	case !t.allowed(r.contact.Identity):
		return ReasonNotAllowed
	case r.contact.Verify() != nil:
		return ReasonForged
	case !seen.add(r.nonce):
		return ReasonBusy
	}
	self, err := t.admit(r.contact, p.from, nil)
	if err != nil {
		return err
	}
	a := answer{nonce: newNonce(), request: r.nonce, contact: self}
	if usable(p.from) {
		a.observed = p.from
	}
	if r.proof == proofTicket {
		a.member = member
	}
	b, err := a.seal(key)
	if err != nil {
		return err
	}
	t.count.admitted.Add(1)
	t.log.Debug("admitted", "node", r.contact.NodeID(), "from", p.from, "ticket", r.proof == proofTicket)
	// A send that fails looks like loss: the other side asks again.
	_ = t.bind.sendTo(b, p.from)
	return nil
}

// answerMyself ends the exchange of a node that was told to join at its own
// address, as one of several with the same list of seeds.
func (t *Tunnel) answerMyself(r request) bool {
	x := t.asked(r.nonce)
	if x == nil || x.done == nil || r.contact.NodeID() != t.id {
		return false
	}
	t.admission.settle(r.nonce)
	x.reached(t.id)
	return true
}

// reached tells whoever waits for an exchange that it is over.
func (x *exchange) reached(id protocol.NodeID) {
	select {
	case x.done <- id:
	default: // nobody waits, or another attempt was answered before
	}
}

// admit configures a node that spoke for itself, and returns our own contact.
// Asked is what it answers; nil: it announced itself.
func (t *Tunnel) admit(c Contact, from netip.AddrPort, asked *exchange) (Contact, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if asked == nil {
		t.bind.hold(from, courtesy) // learn may make the device begin
	}
	p, err := t.learn(c, from)
	if err != nil {
		t.bind.release(from)
		return Contact{}, err
	}
	if asked == nil {
		t.leave(p)
	}
	if p.since == 0 {
		if err := t.configure(p); err != nil {
			t.unhold(p)
			return Contact{}, err
		}
	}
	if asked != nil {
		t.introduced(p, asked.again)
	}
	return t.self, nil
}

// takeAnswer ends an exchange.
func (t *Tunnel) takeAnswer(p *parcel) error {
	a, err := openAnswer(p.asked.key, p.bytes[:])
	if errors.Is(err, errSealed) {
		return ReasonUnproven
	}
	if err != nil {
		return errors.Join(ReasonMalformed, err)
	}
	switch id := a.contact.NodeID(); {
	case p.asked.target != 0 && p.asked.target != id:
		return ReasonMisdirected
	case !t.allowed(a.contact.Identity):
		return ReasonNotAllowed
	case a.contact.Verify() != nil:
		return ReasonForged
	case !t.admission.settle(a.request):
		return ReasonReplayed
	}
	if p.asked.ticket && !a.member.isZero() {
		if err := t.join(a.member); err != nil {
			return err
		}
	}
	if _, err := t.admit(a.contact, p.from, p.asked); err != nil {
		return err
	}
	if err := t.observe(a.observed); err != nil {
		return err
	}
	p.asked.reached(a.contact.NodeID())
	return nil
}

// join takes over the member key that a seed handed out. Peers of another
// cluster, if there were any, are configured anew.
func (t *Tunnel) join(m memberKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.member == m {
		return nil
	}
	if err := t.keys.adopt(m); err != nil {
		return err
	}
	for _, p := range t.configured {
		t.unconfigure(p)
	}
	t.member = m
	return nil
}

// observe takes the endpoint that a member saw us at, if we know of none.
func (t *Tunnel) observe(at netip.AddrPort) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.self.Endpoint.IsValid() || !usable(at) {
		return nil
	}
	return t.resign(at)
}

// announce sends a request as a member to a peer, without waiting for the
// answer. The caller holds mu.
func (t *Tunnel) announce(p *peer, again bool) {
	if !p.endpoint.IsValid() || t.member.isZero() {
		return
	}
	x := &exchange{key: t.member.announce(), target: p.id, again: again}
	r := request{proof: proofMember, target: p.id, contact: t.self}
	// What fails looks like loss: the next announcement is already planned.
	_ = t.ask(x, r, p.endpoint)
}

// ask sends a request and remembers it until it is answered.
func (t *Tunnel) ask(x *exchange, r request, to netip.AddrPort) error {
	r.nonce, r.time = newNonce(), t.wallClock().UnixMilli()
	b, err := r.seal(x.key)
	if err != nil {
		return err
	}
	now := t.now()
	x.until = now + answerTime
	if !t.admission.remember(r.nonce, x, now) {
		return ReasonBusy
	}
	t.count.announced.Add(1)
	return t.bind.sendTo(b, to)
}

func (a *admission) remember(n nonce, x *exchange, now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) >= maxPending {
		for n, x := range a.pending {
			if x.until <= now {
				delete(a.pending, n)
			}
		}
	}
	if len(a.pending) >= maxPending {
		return false
	}
	a.pending[n] = x
	return true
}

// asked returns the exchange that an answer is to, nil if there is none.
func (t *Tunnel) asked(n nonce) *exchange {
	t.admission.mu.Lock()
	defer t.admission.mu.Unlock()
	if x := t.admission.pending[n]; x != nil && x.until > t.now() {
		return x
	}
	return nil
}

// settle ends an exchange, once.
func (a *admission) settle(n nonce) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.pending[n]
	delete(a.pending, n)
	return ok
}

// Join joins a cluster with a ticket and returns the seed. It repeats its
// request until it is answered or the context ends. A seed that refuses does
// not say so.
func (t *Tunnel) Join(ctx context.Context, ticket Ticket) (protocol.Peer, error) {
	x := exchange{key: ticket.key, target: ticket.Seed.NodeID(), ticket: true}
	r := request{
		proof: proofTicket, target: x.target,
		ticket: ticket.id, expiry: uint64(ticket.Expires.Unix()),
	}
	seed, err := t.exchange(ctx, x, r, ticket.Seed.Endpoint)
	if err != nil {
		return protocol.Peer{}, fmt.Errorf("join with %v: %w", ticket, err)
	}
	return seed, nil
}

// JoinAt joins at a member's outer address, for a node that is a member
// itself: it holds the cluster secret or has joined before. It returns who
// answered, which is this node if the address is its own; see [Tunnel.Join].
func (t *Tunnel) JoinAt(ctx context.Context, at netip.AddrPort) (protocol.Peer, error) {
	t.mu.RLock()
	member := t.member
	t.mu.RUnlock()
	if member.isZero() {
		return protocol.Peer{}, fmt.Errorf("join at %v: this node has neither the cluster secret nor joined before; it needs a ticket", at)
	}
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	seed, err := t.exchange(ctx, exchange{key: member.announce()}, request{proof: proofMember}, at)
	if err != nil {
		return protocol.Peer{}, fmt.Errorf("join at %v: %w", at, err)
	}
	return seed, nil
}

// exchange repeats a request until it is answered. If the answer told us our
// own endpoint, the other side is told our new contact as well.
func (t *Tunnel) exchange(ctx context.Context, x exchange, r request, at netip.AddrPort) (protocol.Peer, error) {
	if !usable(at) {
		return protocol.Peer{}, errEndpoint
	}
	before := t.Self()
	id, err := t.repeat(ctx, x, r, at)
	if err != nil {
		return protocol.Peer{}, err
	}
	if t.Self() != before {
		t.mu.RLock()
		x := exchange{key: t.member.announce(), target: id}
		t.mu.RUnlock()
		if _, err := t.repeat(ctx, x, request{proof: proofMember, target: id}, at); err != nil {
			return protocol.Peer{}, err
		}
	}
	return protocol.Peer{ID: id, Contact: t.Contact(id)}, nil
}

const (
	firstRetry = 250 * time.Millisecond
	maxRetry   = 4 * time.Second
)

func (t *Tunnel) repeat(ctx context.Context, x exchange, r request, at netip.AddrPort) (protocol.NodeID, error) {
	done := make(chan protocol.NodeID, 1)
	x.done = done
	timer := time.NewTimer(0)
	defer timer.Stop()
	var sendErr error
	for pause := firstRetry; ; {
		select {
		case id := <-done:
			return id, nil
		case <-t.closing.Done():
			return 0, net.ErrClosed
		case <-ctx.Done():
			const why = "no answer: unreachable, ticket expired, other secret, not on the allow list, or clocks more than two minutes apart"
			return 0, errors.Join(fmt.Errorf("%s: %w", why, context.Cause(ctx)), sendErr)
		case <-timer.C:
			timer.Reset(pause)
			pause = min(2*pause, maxRetry)
		}
		attempt := x // each is pending under its own nonce
		r.contact = t.Self()
		sendErr = t.ask(&attempt, r, at)
	}
}
