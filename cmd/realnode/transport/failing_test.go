package transport

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// failing is a datagram socket with errors in the place of datagrams, in both
// directions.
type failing struct {
	net.PacketConn
	reads chan error // nil stands for a datagram
	send  error
}

func (f *failing) ReadFrom(b []byte) (int, net.Addr, error) {
	err, ok := <-f.reads
	if !ok {
		return 0, nil, net.ErrClosed
	}
	if err != nil {
		return 0, nil, &net.OpError{Op: "read", Err: os.NewSyscallError("recvfrom", err)}
	}
	return copy(b, datagramOf(2, 1, frame("good"))), net.UDPAddrFromAddrPort(pipeAddr(2)), nil
}

func (f *failing) WriteTo([]byte, net.Addr) (int, error) {
	return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("sendto", f.send)}
}

// failingNetwork hands that socket out.
type failingNetwork struct {
	*pipeNetwork
	socket *failing
}

func (n failingNetwork) ListenPacket() (net.PacketConn, error) { return n.socket, nil }

// What befell datagrams to others does not hold up the next that arrives.
func TestReceivingGoesOnAfterErrors(t *testing.T) {
	for _, test := range []struct {
		err    error
		pauses bool
	}{
		{syscall.ECONNREFUSED, false},
		{syscall.EHOSTUNREACH, false},
		{syscall.ENETUNREACH, false},
		{syscall.ECONNRESET, false},
		{syscall.ENOBUFS, true}, // that does concern the socket
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nw := newPipes().network(1)
				socket := &failing{silent{nw}, make(chan error), nil}
				a := start(t, 1, failingNetwork{nw, socket}, nil)
				defer close(socket.reads)
				began := time.Now()
				for range 100 {
					socket.reads <- test.err
				}
				socket.reads <- nil
				a.expect("2 datagram good")
				if got := a.dropped(ReceiveFailed); got != 100 {
					t.Errorf("got %d errors counted, want 100", got)
				}
				if paused := time.Since(began) > 0; paused != test.pauses {
					t.Errorf("it took %v, want a pause: %t", time.Since(began), test.pauses)
				}
			})
		})
	}
}

// A socket that has nothing but such errors does not keep a processor busy.
func TestReceivingPausesAfterMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := newPipes().network(1)
		socket := &failing{silent{nw}, make(chan error), nil}
		start(t, 1, failingNetwork{nw, socket}, nil)
		defer close(socket.reads)
		began := time.Now()
		for range 100 * manyPassing {
			socket.reads <- syscall.ECONNREFUSED
		}
		if took := time.Since(began); took < 80*time.Second {
			t.Errorf("%d errors took %v, want pauses of up to a second", 100*manyPassing, took)
		}
	})
}

func TestSendErrorsAreCountedByReason(t *testing.T) {
	for err, want := range map[error]Reason{
		syscall.ENETUNREACH:  Unreachable,
		syscall.EHOSTUNREACH: Unreachable,
		syscall.ENETDOWN:     Unreachable,
		syscall.ECONNREFUSED: Refused,
		syscall.EPERM:        SendFailed,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nw := newPipes().network(1)
				socket := &failing{silent{nw}, make(chan error), err}
				a := start(t, 1, failingNetwork{nw, socket}, nil)
				defer close(socket.reads)
				for range 3 {
					a.datagram(2, "x")
				}
				for _, r := range Reasons() {
					if got := a.dropped(r); (r == want && got != 3) || (r != want && got != 0) {
						t.Errorf("got %d dropped for %v, want 3 for %v", got, r, want)
					}
				}
			})
		})
	}
}

// The host's own socket goes on after datagrams to a port where nobody listens.
func TestARefusedPortIsNoReasonToStop(t *testing.T) {
	a, pa := startPlain(t, 1, loopback, nil)
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	gone := netip.MustParseAddrPort(closed.LocalAddr().String())
	must(t, closed.Close())
	must(t, pa.Introduce(9, PlainContact(gone)))
	b, pb := startPlain(t, 2, loopback, nil)
	must(t, pb.Introduce(1, pa.Contact(1)))
	for i := range 20 {
		a.datagram(9, "nobody listens")
		b.datagram(1, fmt.Sprint(i))
		a.expect(fmt.Sprint("2 datagram ", i))
	}
}
