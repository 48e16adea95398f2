package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// caller is a connection on which somebody says what it likes.
type caller struct {
	net.Conn // the methods that nobody needs
	in       *bytes.Reader
	out      bytes.Buffer
	from     netip.AddrPort
}

func (c *caller) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *caller) Write(b []byte) (int, error) { return c.out.Write(b) }
func (c *caller) RemoteAddr() net.Addr        { return net.TCPAddrFromAddrPort(c.from) }
func (c *caller) SetDeadline(time.Time) error { return nil }

// FuzzGreet: who calls is answered only if the network vouches for it, and with
// no more bytes than it sent.
func FuzzGreet(f *testing.F) {
	f.Add(appendHello(nil, parties{2, 1}), byte(2))
	f.Add(appendHello(nil, parties{2, 1}), byte(3))
	f.Add(appendHello(nil, parties{1, 1}), byte(1))
	f.Add(append(appendHello(nil, parties{2, 9}), 0, 0, 0, 0), byte(2))
	f.Fuzz(func(t *testing.T, said []byte, host byte) {
		tr := &Transport{cfg: Config{Self: 1, Network: &pipeNetwork{id: 1}}, limits: Limits{}.withDefaults(), count: new(Counters)}
		c := &caller{in: bytes.NewReader(said), from: netip.AddrPortFrom(pipeAddr(protocol.NodeID(host)).Addr(), 999)}
		id, err := tr.greet(c)
		if heard := len(said) - c.in.Len(); c.out.Len() > heard || heard > helloSize {
			t.Errorf("took %d bytes and answered with %d", heard, c.out.Len())
		}
		if err != nil {
			if c.out.Len() > 0 {
				t.Errorf("answered %x with %x, though %v", said, c.out.Bytes(), err)
			}
			return
		}
		if id == 1 || id != protocol.NodeID(host) || !bytes.HasPrefix(said, appendHello(nil, parties{id, 1})) {
			t.Errorf("took %x from host %d for node %d", said, host, id)
		}
		if want := appendHello(nil, parties{1, id}); !bytes.Equal(c.out.Bytes(), want) {
			t.Errorf("answered %x, want %x", c.out.Bytes(), want)
		}
	})
}

// counting is a reader that cuts what it reads into pieces and counts it.
type counting struct {
	r     io.Reader
	piece int
	n     int
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b[:min(len(b), c.piece)])
	c.n += n
	return n, err
}

// FuzzStreamMemory: a reader asks for no more memory than twice what has arrived,
// gives all of it back, and ends for a reason that is one of its own.
func FuzzStreamMemory(f *testing.F) {
	f.Add([]byte{0, 0, 0, 3, 1, 0x80, 1, 0, 0, 0, 0}, uint32(0), uint16(1))
	f.Add([]byte{0, 3, 0, 0, 1, 2, 3}, uint32(200_000), uint16(1400))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, uint32(70_000), uint16(9))
	f.Fuzz(func(t *testing.T, said []byte, zeros uint32, piece uint16) {
		const limit = 1 << 20
		in := &counting{
			r:     io.MultiReader(bytes.NewReader(said), bytes.NewReader(make([]byte, zeros%(2*limit)))),
			piece: int(piece) + 1,
		}
		reserved := 0
		r := newFrameReader(in, limit)
		r.reserve = func(n int) bool {
			reserved += n
			if reserved < 0 || reserved > 2*in.n {
				t.Errorf("reserved %d bytes when %d had arrived", reserved, in.n)
			}
			return reserved <= limit/2
		}
		for {
			frame, err := r.next()
			if reserved != 0 {
				t.Fatalf("%d bytes are still reserved", reserved)
			}
			if err != nil {
				if reasonOf(err, numReasons) == numReasons && err != errGoodbye && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("ended with %v", err)
				}
				return
			}
			if len(frame) > limit || len(frame) < protocol.FrameOverhead || cap(frame) > 2*len(frame)+firstRead {
				t.Errorf("got a frame of %d bytes in %d", len(frame), cap(frame))
			}
		}
	})
}
