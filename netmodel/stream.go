package netmodel

import (
	"math/bits"
	"time"
)

// Times of a stream's machinery.
const (
	// ConnectRetry is how long a connection attempt waits for the first
	// answer; it doubles with every further attempt (RFC 6298, section 2).
	ConnectRetry = time.Second
	// MaxConnects is the number of attempts: one and tcp_syn_retries (6) of
	// Linux, 127 s in all.
	MaxConnects = 7
	// RetryFloor is the least that a retransmission waits beyond a round
	// trip (TCP_RTO_MIN of Linux); it doubles with every further one.
	RetryFloor = 200 * time.Millisecond
	// RetryCeiling is the most (TCP_RTO_MAX of Linux).
	RetryCeiling = 120 * time.Second
	// MaxRetries is the number of retransmissions before a stream gives up
	// (tcp_retries2 of Linux).
	MaxRetries = 15
)

// path is what the rules in force make of a link, without any draw.
type path struct {
	cut           bool
	loss          uint64 // by rules, in the long run
	delay, jitter int64
	bandwidth     int64 // 0: no limit
}

func (m *Model) path(from, to uint32) (w path) {
	w.bandwidth = lower(m.up.of(from).bandwidth, m.down.of(to).bandwidth)
	for _, b := range m.banks {
		for rest := b.match(from, to); rest != 0; rest &= rest - 1 {
			e := &b.effects[rest.first()]
			w.cut = w.cut || e.cut
			w.loss = either(w.loss, e.loss)
			if e.burst != nil {
				w.loss = either(w.loss, e.burst.average())
			}
			w.delay += e.delay
			w.jitter += e.jitter
			w.bandwidth = lower(w.bandwidth, e.limit.bandwidth)
		}
	}
	return w
}

// lower is the lower of two limits, of which 0 is none.
func lower(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// Cut tells whether a rule cuts the path from one node to another now.
func (m *Model) Cut(from, to uint32) bool {
	return len(m.banks) > 0 && from != to && m.path(from, to).cut
}

// RTT is the round-trip time of a path under the rules in force: the medians
// of both directions, in nanoseconds, without a draw.
func (m *Model) RTT(from, to uint32) int64 {
	if from == to {
		return 2 * int64(Loopback)
	}
	there, back := m.path(from, to), m.path(to, from)
	return m.latency.median(from, to) + m.latency.median(to, from) +
		there.delay + there.jitter/2 + back.delay + back.jitter/2
}

// StreamRate is the throughput that a stream from one node to another
// sustains, in bits per second: the least of the sender's uplink, the
// receiver's downlink, the limits of rules, and, with a long-run probability p
// of loss, Mathis' bound MSS/RTT * sqrt(3/2)/sqrt(p) (Mathis, Semke, Mahdavi,
// Ott: The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm,
// CCR 1997, equation 3). 0 means no limit.
func (m *Model) StreamRate(from, to uint32) int64 {
	if from == to {
		return 0
	}
	w := m.path(from, to)
	return lower(w.bandwidth, mathis(int64(m.mss), m.RTT(from, to), either(m.averageLoss(), w.loss)))
}

// averageLoss is the model's long-run probability of loss, without rules.
func (m *Model) averageLoss() uint64 {
	if m.burst != nil {
		return m.burst.average()
	}
	return m.loss
}

// mathis is Mathis' bound in bits per second, 0 if it is above MaxBandwidth.
func mathis(mss, rtt int64, loss uint64) int64 {
	const threeHalves = 3 << 31 // of 2^96, in the upper 64 bits
	if loss <= threeHalves {
		return 0
	}
	square, _ := bits.Div64(threeHalves, 0, loss) // 3/2 / p, in units of 2^-32
	hi, lo := bits.Mul64(uint64(mss)*8_000_000_000, root(square))
	hi, lo = hi>>16, hi<<48|lo>>16
	if hi >= uint64(max(rtt, 1)) {
		return 0
	}
	rate, _ := bits.Div64(hi, lo, uint64(max(rtt, 1)))
	if rate > MaxBandwidth {
		return 0
	}
	return int64(max(rate, MinBandwidth))
}

// root is the integer square root, rounded down.
func root(x uint64) uint64 {
	var r uint64
	for bit := uint64(1) << 31; bit > 0; bit >>= 1 {
		if next := r | bit; next*next <= x {
			r = next
		}
	}
	return r
}

// lossAt is the probability that what enters a link at time t is lost.
func (m *Model) lossAt(from, to uint32, t int64) uint64 {
	p := m.loss
	if m.burst != nil {
		p = m.burst.lossAt(link(m.states, from, to), t)
	}
	for _, b := range m.banks {
		for rest := b.match(from, to); rest != 0; rest &= rest - 1 {
			e := &b.effects[rest.first()]
			p = either(p, e.loss)
			if e.burst != nil {
				p = either(p, e.burst.lossAt(link(e.states, from, to), t))
			}
		}
	}
	return p
}

// StreamConnect is how long the k-th connection attempt from one node to
// another takes until the initiator may send: one round trip, and what lost
// handshakes cost. Ok is false if no handshake succeeds, because the path is
// cut in either direction or all were lost; delay is then how long it tries.
// The rules in force now count for all of it. It keeps no state.
func (m *Model) StreamConnect(from, to uint32, now int64, k uint32) (delay int64, ok bool) {
	if from == to {
		return 2 * int64(Loopback), true
	}
	there, back := m.path(from, to), m.path(to, from)
	h := sub(link(m.connects, from, to), uint64(k))
	reply := sub(h, purposeReply)
	for attempt := range MaxConnects {
		if !there.cut && !back.cut {
			out := m.streamLatency(from, to, &there, sub(h, uint64(attempt)<<8))
			home := m.streamLatency(to, from, &back, sub(reply, uint64(attempt)<<8))
			lost := hit(sub(h, uint64(attempt)<<8|purposeLoss), m.lossAt(from, to, now+delay)) ||
				hit(sub(reply, uint64(attempt)<<8|purposeLoss), m.lossAt(to, from, now+delay+out))
			if !lost {
				return delay + out + home, true
			}
		}
		delay += int64(ConnectRetry) << attempt
	}
	return delay, false
}

// streamLatency is one crossing of a path by a segment.
func (m *Model) streamLatency(from, to uint32, w *path, u uint64) int64 {
	return m.latency.draw(from, to, u) + w.delay + int64(below(sub(u, purposeJitter), uint64(w.jitter)))
}

// StreamTransmit is the time from when a message of size bytes is written to
// an open stream until all of it has reached the other end, for the k-th
// message from one node to another on streams, in nanoseconds: at least
// MinDelay. It is the wait for the sender's earlier stream messages (which
// take turns on its uplink), the transmission at StreamRate, one latency, and
// the retransmissions of the last segment, which nothing but a time-out
// recovers. Losses before the last segment are in StreamRate. Messages of a
// stream arrive in the order they were sent: a caller delivers each no earlier
// than the one before. Ok is false if the path is cut or the last segment was
// lost every time, or until it had been tried for longer than patience, in
// nanoseconds; delay is then how long the stream tries. The rules in force now
// count for all of it.
//
// It may be called concurrently for different senders.
func (m *Model) StreamTransmit(from, to uint32, size, now, patience int64, k uint32) (delay int64, ok bool) {
	if from == to {
		return int64(Loopback), true
	}
	w := m.path(from, to)
	h := sub(link(m.streams, from, to), uint64(k))
	sent := m.streamUplink(from, size, now)
	if r := newRate(m.StreamRate(from, to), DefaultQueue); r.perByte != 0 {
		sent = max(sent, now+r.time(size))
	}
	begun := sent
	for n := range MaxRetries + 1 {
		if sent-begun > patience {
			break
		}
		lost := w.cut || hit(sub(h, uint64(n)<<8|purposeRetry), m.lossAt(from, to, sent))
		if !lost {
			return sent - now + m.streamLatency(from, to, &w, h), true
		}
		sent += m.StreamRetry(from, to, n+1)
	}
	return sent - now, false
}

// streamUplink lets a message take its turn on the sender's uplink and returns
// when it has left. Datagrams do not wait for it.
func (m *Model) streamUplink(from uint32, size, now int64) int64 {
	r := m.up.of(from)
	if r.perByte == 0 {
		return now
	}
	m.upStreams[from] = max(now, m.upStreams[from]) + r.time(size)
	return m.upStreams[from]
}

// StreamRetry is how long a stream waits for an acknowledgement before it
// sends for the n-th time again (counted from 1), in nanoseconds: a round trip
// and RetryFloor, doubled each time up to RetryCeiling.
func (m *Model) StreamRetry(from, to uint32, n int) int64 {
	wait := m.RTT(from, to) + int64(RetryFloor)
	for range min(n-1, MaxRetries) {
		if wait >= int64(RetryCeiling) {
			break
		}
		wait *= 2
	}
	return min(wait, max(int64(RetryCeiling), m.RTT(from, to)))
}
