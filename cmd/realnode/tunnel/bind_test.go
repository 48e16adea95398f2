package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/conn"
)

// errorsThen is a socket that has errors for its reader, then a packet, then is
// closed.
type errorsThen struct {
	errs []error
	from netip.AddrPort
}

func (e *errorsThen) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if len(e.errs) == 0 {
		return copy(b, []byte{4, 0, 0, 0}), e.from, nil
	}
	err := e.errs[0]
	e.errs = e.errs[1:]
	return 0, netip.AddrPort{}, &net.OpError{Op: "read", Err: os.NewSyscallError("recvfrom", err)}
}

func receiveOnce(b *bind, r reader) (int, error) {
	return b.receive(r, [][]byte{make([]byte, 100)}, make([]int, 1), make([]conn.Endpoint, 1))
}

// Errors of the socket do not end the receive function, which the device would
// not start again; those about others do not slow it down.
func TestReceivingGoesOnAfterErrors(t *testing.T) {
	for err, pause := range map[error]time.Duration{
		syscall.ECONNREFUSED: 0,
		syscall.EHOSTUNREACH: 0,
		syscall.ENETUNREACH:  0,
		syscall.ENOBUFS:      300 * errorPause,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dropped atomic.Uint64
				b := &bind{drop: func(r Reason) {
					if r == ReasonReceive {
						dropped.Add(1)
					}
				}}
				socket := &errorsThen{from: loopback}
				for range 300 {
					socket.errs = append(socket.errs, err)
				}
				if pause == 0 {
					pause = 300 / manyErrors * errorPause
				}
				began := time.Now()
				if n, err := receiveOnce(b, socket); n != 1 || err != nil {
					t.Errorf("got %d packets, %v, want one", n, err)
				}
				if took := time.Since(began); took != pause {
					t.Errorf("it took %v, want %v", took, pause)
				}
				if got := dropped.Load(); got != 300 {
					t.Errorf("got %d errors counted, want 300", got)
				}
			})
		})
	}
}

// A pause does not keep the tunnel from closing.
func TestClosingEndsAPause(t *testing.T) {
	closing := make(chan struct{})
	close(closing)
	b := &bind{drop: func(Reason) {}, closing: closing}
	if _, err := receiveOnce(b, &errorsThen{errs: []error{syscall.ENOBUFS}}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

// A network that is down is counted and, to the device, looks like loss.
func TestUnreachableIsNoErrorOfTheDevice(t *testing.T) {
	for _, err := range []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ECONNREFUSED, syscall.EMSGSIZE} {
		if !unreachable(&net.OpError{Op: "write", Err: os.NewSyscallError("sendto", err)}) {
			t.Errorf("%v: got an error of the socket, want one about the receiver", err)
		}
	}
	if unreachable(&net.OpError{Op: "write", Err: os.NewSyscallError("sendto", syscall.EPERM)}) {
		t.Error("a refused permission was taken for an unreachable receiver")
	}

	seed := mustSeed(t, Options{})
	other := &endpoint{netip.MustParseAddrPort("[::1]:9")} // of another family than the socket
	if err := seed.bind.Send([][]byte{{4, 0, 0, 0}}, other); err == nil || seed.Stats().Dropped[ReasonSend] != 1 {
		t.Errorf("got %v with %+v, want an error that is counted", err, seed.Stats().Dropped)
	}
}
