package throughput

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/hashicorp/memberlist"
)

// answers is a member's application.
type answers struct{ received func(b []byte) }

func (a *answers) NodeMeta(int) []byte             { return nil }
func (a *answers) NotifyMsg(b []byte)              { a.received(b) }
func (a *answers) GetBroadcasts(int, int) [][]byte { return nil }
func (a *answers) LocalState(bool) []byte          { return nil }
func (a *answers) MergeRemoteState([]byte, bool)   {}

// newMember makes a member of hashicorp/memberlist with its profile for a local
// network, on its usual transport.
func newMember(b *testing.B, name string, compress bool) (*memberlist.Memberlist, *answers) {
	b.Helper()
	a := &answers{}
	c := memberlist.DefaultLANConfig()
	c.Name, c.Delegate, c.LogOutput = name, a, io.Discard
	c.BindAddr, c.BindPort, c.AdvertiseAddr = "127.0.0.1", 0, "127.0.0.1"
	c.EnableCompression = compress
	m, err := memberlist.Create(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := m.Shutdown(); err != nil {
			b.Error(err)
		}
	})
	return m, a
}

// twoMembers makes two members that know each other.
func twoMembers(b *testing.B, compress bool) (x, y *memberlist.Memberlist, ax, ay *answers) {
	b.Helper()
	x, ax = newMember(b, "x", compress)
	y, ay = newMember(b, "y", compress)
	if _, err := y.Join([]string{fmt.Sprintf("127.0.0.1:%d", x.LocalNode().Port)}); err != nil {
		b.Fatal(err)
	}
	return x, y, ax, ay
}

func memberlistEcho(b *testing.B, size int, compress bool) {
	x, y, ax, ay := twoMembers(b, compress)
	var l load
	send := func(from *memberlist.Memberlist, to *memberlist.Node, message []byte) {
		if err := from.SendBestEffort(to, message); err != nil {
			b.Error(err)
		}
	}
	ay.received = func(m []byte) { send(y, x.LocalNode(), m) }
	ax.received = func(m []byte) {
		if l.answered() {
			send(x, y.LocalNode(), m)
		}
	}
	message := text(size)
	l.run(b, func(n int) {
		for range n {
			send(x, y.LocalNode(), message)
		}
	})
}

// memberlistProbe has one member ping another. A ping waits for its answer, so it
// takes as many goroutines as there are messages on their way.
func memberlistProbe(b *testing.B) {
	x, y, _, _ := twoMembers(b, true)
	to := y.LocalNode()
	at := &net.UDPAddr{IP: to.Addr, Port: int(to.Port)}
	var l load
	l.run(b, func(n int) {
		for range n {
			go func() {
				for more := true; more; {
					if _, err := x.Ping(to.Name, at); err != nil {
						return // run notices
					}
					more = l.answered()
				}
			}()
		}
	})
}
