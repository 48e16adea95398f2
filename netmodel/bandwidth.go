package netmodel

import (
	"fmt"
	"math/bits"
)

// rate is the speed and the queue of a link; the zero rate has no limit.
type rate struct {
	// perByte is the time to transmit a byte, in units of 2^-32 ns, rounded
	// up.
	perByte uint64
	// room is the time to transmit a full queue, in nanoseconds.
	room int64
	// bandwidth is the speed in bits per second.
	bandwidth int64
}

func newRate(bandwidth, queue int64) rate {
	if bandwidth == 0 {
		return rate{}
	}
	const second = 8_000_000_000 // bits in a byte times nanoseconds in a second
	q, rest := bits.Div64(second>>32, second<<32&(1<<64-1), uint64(bandwidth))
	if rest > 0 {
		q++
	}
	r := rate{perByte: q, bandwidth: bandwidth}
	r.room = r.time(queue)
	return r
}

// time is how long it takes to transmit size bytes, in nanoseconds, rounded
// up.
func (r *rate) time(size int64) int64 {
	hi, lo := bits.Mul64(uint64(size), r.perByte)
	t := int64(hi<<32 | lo>>32)
	if lo<<32 != 0 {
		t++
	}
	return t
}

// pass puts size bytes that come at now into the queue of a link that is busy
// until *busy, and returns when the last of them has been transmitted; false
// if there was no room.
func (r *rate) pass(busy *int64, size int32, now int64) (done int64, ok bool) {
	done = max(now, *busy) + r.time(int64(size))
	if done-now > r.room {
		return now, false
	}
	*busy = done
	return done, true
}

// links are the up- or downlinks of all nodes.
type links struct {
	// classes are the kinds of links, the first without a limit; class is each
	// node's kind, nil if no node has a limit.
	classes []rate
	class   []uint8
	// busy is until when each node's link transmits, in nanoseconds. Only the
	// node's own worker touches it.
	busy []int64
}

func (l *links) limited() bool { return l.class != nil }

// of is the rate of a node's link.
func (l *links) of(node uint32) rate {
	if l.class == nil {
		return rate{}
	}
	return l.classes[l.class[node]]
}

func (l *links) pass(node uint32, size int32, now int64) (done int64, ok bool) {
	r := &l.classes[l.class[node]]
	if r.perByte == 0 {
		return now, true
	}
	return r.pass(&l.busy[node], size, now)
}

// maxClasses bounds the number of bandwidth classes.
const maxClasses = 255

// newLinks gives every node its up- and downlink.
func (m *Model) newLinks(cfg *Config) error {
	counts, err := m.classCounts(cfg.Bandwidth)
	if err != nil {
		return err
	}
	if len(counts) == 0 {
		return nil
	}
	order := indices(cfg.Nodes)
	shufflePrefix(order, len(order), mix(cfg.Seed^keyBandwidth))
	m.up.classes, m.down.classes = []rate{{}}, []rate{{}}
	for i, c := range cfg.Bandwidth {
		m.up.add(order[:counts[i]], newRate(c.Up, queueOr(c.UpQueue)), cfg.Nodes)
		m.down.add(order[:counts[i]], newRate(c.Down, queueOr(c.DownQueue)), cfg.Nodes)
		order = order[counts[i]:]
	}
	if m.up.limited() {
		m.upStreams = make([]int64, cfg.Nodes)
	}
	return nil
}

func (l *links) add(nodes []uint32, r rate, total int) {
	if r.perByte == 0 {
		return
	}
	if l.class == nil {
		l.class, l.busy = make([]uint8, total), make([]int64, total)
	}
	l.classes = append(l.classes, r)
	for _, node := range nodes {
		l.class[node] = uint8(len(l.classes) - 1)
	}
}

func queueOr(q int64) int64 {
	if q == 0 {
		return DefaultQueue
	}
	return q
}

// classCounts is how many nodes are in each class. Cumulated shares are
// rounded, so that shares that make a whole leave nobody out.
func (m *Model) classCounts(classes []BandwidthClass) ([]int, error) {
	const list = "Bandwidth"
	if len(classes) > maxClasses {
		return nil, fmt.Errorf("%s: got %d classes, want at most %d", list, len(classes), maxClasses)
	}
	counts := make([]int, len(classes))
	var whole, sum, carry uint64
	taken := 0
	for i, c := range classes {
		field := fmt.Sprintf("%s[%d]", list, i)
		if err := m.checkLink(field+".Up", c.Up, c.UpQueue); err != nil {
			return nil, err
		}
		if err := m.checkLink(field+".Down", c.Down, c.DownQueue); err != nil {
			return nil, err
		}
		sum, carry = bits.Add64(sum, c.Share, 0)
		whole += carry
		if whole > 1 || whole == 1 && sum > 0 {
			return nil, fmt.Errorf("%s.Share: got shares that add up to more than the whole, want at most Always", field)
		}
		cumulated := sum
		if whole == 1 {
			cumulated = Always
		}
		counts[i] = part(m.nodes, cumulated) - taken
		taken += counts[i]
	}
	return counts, nil
}

// checkLink checks a bandwidth and its queue, which must hold one datagram of
// full size.
func (m *Model) checkLink(field string, bandwidth, queue int64) error {
	if bandwidth != 0 && (bandwidth < MinBandwidth || bandwidth > MaxBandwidth) {
		return fmt.Errorf("%s: got %d bit/s, want 0 (no limit) or %d to %d", field, bandwidth, int64(MinBandwidth), int64(MaxBandwidth))
	}
	least := int64(m.mtu) + int64(m.header)
	if queue != 0 && (queue < least || queue > MaxQueue) {
		return fmt.Errorf("%s: got a queue of %d bytes, want 0 (%d) or MTU and header (%d) to %d", field, queue, int64(DefaultQueue), least, int64(MaxQueue))
	}
	if queue == 0 && least > DefaultQueue {
		return fmt.Errorf("%s: got a queue of 0 (%d bytes) for datagrams of up to %d bytes, want a queue of at least that", field, int64(DefaultQueue), least)
	}
	return nil
}

// HasDownlink tells whether any node's downlink is limited: if not, arriving
// datagrams are delivered at once and Arrive need not be called.
func (m *Model) HasDownlink() bool { return m.down.limited() }

// Arrive puts a datagram (or a copy) of size bytes, header included, that
// reaches a receiver's side at now through the receiver's downlink. It returns
// when the receiver has it, or false if the queue was full. Calls for one
// receiver come in order of time; calls for different receivers may be
// concurrent.
func (m *Model) Arrive(to uint32, size int32, now int64) (deliverAt int64, ok bool) {
	if !m.down.limited() {
		return now, true
	}
	return m.down.pass(to, size, now)
}
