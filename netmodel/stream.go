package netmodel

// Cut tells whether a rule cuts the path from one node to another now.
func (m *Model) Cut(from, to uint32) bool { return false }

// RTT is the round-trip time of a path under the rules in force: the medians
// of both directions, in nanoseconds, without a draw.
func (m *Model) RTT(from, to uint32) int64 { return 0 }

// StreamConnect is how long it takes to open the k-th stream from one node to
// another: one round trip, and what lost handshakes cost (1 s, doubled each
// time: RFC 6298). ok is false if the handshake never succeeds: the path is
// cut, or all attempts were lost; delay is then how long it tried.
func (m *Model) StreamConnect(from, to uint32, now int64, k uint32) (delay int64, ok bool) {
	return 0, true
}

// StreamTransmit is the time from when size bytes are written to an open
// stream until all have reached the other end, for the k-th message from one
// node to another on streams. ok is false if the path is cut, or retransmission gave up;
// delay is then how long it tried.
func (m *Model) StreamTransmit(from, to uint32, size int64, now int64, k uint32) (delay int64, ok bool) {
	return 0, true
}

// StreamRetry is how long a stream waits before it tries for the n-th time
// (counted from 1) to get across a path that is cut, in nanoseconds.
func (m *Model) StreamRetry(from, to uint32, n int) int64 { return 0 }
