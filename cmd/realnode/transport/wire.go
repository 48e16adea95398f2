package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/starling-sim/starling/protocol"
)

const (
	// datagramHeader is the length of a datagram's header.
	datagramHeader = 16

	helloMagic   = "STRL"
	helloVersion = 1
	helloSize    = len(helloMagic) + 1 + 8 + 8

	// lengthSize is the length of a stream message's length.
	lengthSize = 4
	// firstRead is what is allocated for a stream message before its bytes
	// have arrived.
	firstRead = 64 << 10
)

// refusal is an error that is counted.
type refusal struct {
	reason Reason
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(r Reason, format string, args ...any) error {
	return &refusal{r, fmt.Sprintf(format, args...)}
}

// reasonOf returns the reason of a refusal, or what else to count an error as.
func reasonOf(err error, other Reason) Reason {
	var r *refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return other
}

// parties are the two ends that a header names.
type parties struct{ from, to protocol.NodeID }

func (p parties) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.from))
	return binary.BigEndian.AppendUint64(b, uint64(p.to))
}

func readParties(b []byte) parties {
	return parties{
		protocol.NodeID(binary.BigEndian.Uint64(b)),
		protocol.NodeID(binary.BigEndian.Uint64(b[8:])),
	}
}

// parseDatagram splits a datagram; ok is false, and reason says why, if it
// cannot be one for self. It runs for every datagram from anybody and allocates
// nothing.
func parseDatagram(b []byte, self protocol.NodeID, limit int) (from protocol.NodeID, frame []byte, reason Reason, ok bool) {
	switch {
	case len(b) > limit:
		return 0, nil, Oversize, false
	case len(b) < datagramHeader+protocol.FrameOverhead:
		return 0, nil, Short, false
	case b[datagramHeader] != protocol.FrameVersion:
		return 0, nil, Version, false
	}
	p := readParties(b)
	if p.to != self && p.to != 0 {
		return 0, nil, NotForUs, false
	}
	return p.from, b[datagramHeader:], 0, true
}

// appendHello appends what begins a connection.
func appendHello(b []byte, p parties) []byte {
	b = append(b, helloMagic...)
	return p.append(append(b, helloVersion))
}

// readHello reads what begins a connection, and no byte more.
func readHello(r io.Reader) (parties, error) {
	var b [helloSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return parties{}, fmt.Errorf("read hello: %w", err)
	}
	if got := string(b[:len(helloMagic)]); got != helloMagic {
		return parties{}, refuse(Handshake, "read hello: got %q, want %q", got, helloMagic)
	}
	if got := b[len(helloMagic)]; got != helloVersion {
		return parties{}, refuse(Version, "read hello: got version %d, want %d", got, helloVersion)
	}
	return readParties(b[len(helloMagic)+1:]), nil
}

// errGoodbye is what frameReader returns for a goodbye.
var errGoodbye = errors.New("peer said goodbye")

// frameReader reads the messages of a stream.
type frameReader struct {
	r     *bufio.Reader
	limit int
	// progress is called before each read that may wait, once a message has
	// begun, with what has been read of it, in bytes.
	progress func(have int)
	// reserve asks for n bytes more to hold a message that arrives; a negative
	// n gives back.
	reserve func(n int) bool
}

// next returns the next message's frame, a slice of its own. The error is
// errGoodbye at a goodbye and io.EOF if the stream ends between messages.
func (f *frameReader) next() ([]byte, error) {
	if _, err := f.r.Peek(1); err != nil {
		return nil, err
	}
	if have := f.r.Buffered(); have < lengthSize {
		f.progress(have)
	}
	var length [lengthSize]byte
	if _, err := io.ReadFull(f.r, length[:]); err != nil {
		return nil, fmt.Errorf("read length of a message: %w", err)
	}
	n := binary.BigEndian.Uint32(length[:])
	switch {
	case n == 0:
		return nil, errGoodbye
	case n < protocol.FrameOverhead:
		return nil, refuse(Short, "read message: got length %d, want at least %d", n, protocol.FrameOverhead)
	case uint64(n) > uint64(f.limit):
		return nil, refuse(Oversize, "read message: got length %d, want at most %d", n, f.limit)
	}
	frame, err := f.body(int(n))
	if err != nil {
		return nil, err
	}
	if frame[0] != protocol.FrameVersion {
		return nil, refuse(Version, "read message: got version %d, want %d", frame[0], protocol.FrameVersion)
	}
	return frame, nil
}

// body reads n bytes into a slice that grows with what arrives.
func (f *frameReader) body(n int) ([]byte, error) {
	b := make([]byte, min(n, firstRead))
	reserved := 0
	defer func() { f.reserve(-reserved) }()
	for have := 0; ; {
		for have < len(b) {
			if f.r.Buffered() == 0 {
				f.progress(lengthSize + have)
			}
			got, err := f.r.Read(b[have:])
			have += got
			if err != nil {
				return nil, fmt.Errorf("read message of %d bytes after %d: %w", n, have, noEOF(err))
			}
		}
		if have == n {
			return b, nil
		}
		size := min(n, 2*len(b))
		if !f.reserve(size - len(b)) {
			return nil, refuse(Memory, "read message of %d bytes after %d: readers hold too much", n, have)
		}
		reserved += size - len(b)
		longer := make([]byte, size)
		copy(longer, b)
		b = longer
	}
}

// noEOF makes the end of a stream within a message an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
