//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// packet is one that was captured.
type packet struct {
	protocol byte
	from, to netip.AddrPort
	payload  []byte // from the UDP or TCP header on
}

// listenIn captures the packets on loopback from and to a network of 256
// addresses, those that were sent until the function that it returns is called.
func listenIn(t *testing.T, network netip.Addr) func() []packet {
	t.Helper()
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff}) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EPERM) {
		t.Skip("listening in takes CAP_NET_RAW: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "loopback")
	t.Cleanup(func() { _ = socket.Close() })
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	const most = 1 << 17 // more than a packet's
	filter, err := bpf.Assemble(fromOrTo(network, most))
	if err != nil {
		t.Fatal(err)
	}
	program := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		program[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	for _, err := range []error{
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: loopback.Index}),
	} {
		if errors.Is(err, unix.EPERM) {
			t.Skip("listening in takes CAP_NET_ADMIN: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a := network.As4()
	a[3] = 254
	end := netip.AddrPortFrom(netip.AddrFrom4(a), 40009) // a packet from there is the last
	var packets []packet
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, most)
		for {
			n, err := socket.Read(b)
			if err != nil {
				return
			}
			p, ok := parsePacket(bytes.Clone(b[:n]))
			if p.from == end {
				return
			}
			if ok {
				packets = append(packets, p)
			}
		}
	}()
	return func() []packet {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(end))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.WriteToUDPAddrPort(nil, end); err != nil {
			t.Fatal(err)
		}
		<-done
		st, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil || st.Drops > 0 {
			t.Errorf("the capture has holes: %+v, %v", st, err)
		}
		return packets
	}
}

// fromOrTo lets IPv4 packets from and to a network of 256 addresses through.
func fromOrTo(network netip.Addr, most uint32) []bpf.Instruction {
	const source, destination = 12, 16 // RFC 791, section 3.1
	a := network.As4()
	want := binary.BigEndian.Uint32(a[:])
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: source, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffffff00},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: want, SkipTrue: 3},
		bpf.LoadAbsolute{Off: destination, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffffff00},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: want, SkipTrue: 1},
		bpf.RetConstant{Val: most},
		bpf.RetConstant{Val: 0},
	}
}

// parsePacket reads an IPv4 packet with UDP or TCP in it.
func parsePacket(b []byte) (packet, bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return packet{}, false
	}
	header := int(b[0]&0xf) * 4
	if len(b) < header+8 {
		return packet{}, false
	}
	from, to := netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	ports := b[header:]
	return packet{
		protocol: b[9], payload: b[header:],
		from: netip.AddrPortFrom(from, binary.BigEndian.Uint16(ports)), to: netip.AddrPortFrom(to, binary.BigEndian.Uint16(ports[2:])),
	}, true
}
