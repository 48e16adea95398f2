package transport

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// greeted opens a connection to node 1 as node 3, past the hellos.
func greeted(t *testing.T, ps *pipes) net.Conn {
	t.Helper()
	nc, err := ps.network(3).Dial(t.Context(), pipeAddr(1))
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	_, err = nc.Write(appendHello(nil, parties{3, 1}))
	must(t, err)
	_, err = readHello(nc)
	must(t, err)
	return nc
}

func message(text string) []byte {
	f := frame(text)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(f))), f...)
}

// trickle writes size bytes at a time, every interval, until that fails.
func trickle(nc net.Conn, b []byte, size int, every time.Duration) {
	for len(b) > 0 {
		n, err := nc.Write(b[:min(size, len(b))])
		if err != nil {
			return
		}
		b = b[n:]
		time.Sleep(every)
	}
}

// Whoever trickles a message, its length or a goodbye does not hold the
// connection, whatever length was announced.
func TestTrickledMessageBreaksTheStream(t *testing.T) {
	for name, test := range map[string]struct {
		bytes  []byte
		size   int
		every  time.Duration
		within time.Duration
	}{
		"its length":     {message("x"), 1, 16 * time.Second, 31 * time.Second},
		"a goodbye":      {make([]byte, lengthSize), 1, 16 * time.Second, 31 * time.Second},
		"byte by byte":   {message(strings.Repeat("x", 1<<20)), 1, time.Second, 31 * time.Second},
		"barely in time": {message(strings.Repeat("x", 1<<20)), 1, 29 * time.Second, 31 * time.Second},
		// A tenth of what is wanted lacks, so the 30 s last ten times as long.
		"a little too slowly": {message(strings.Repeat("x", 1<<20)), 900, time.Second, 301 * time.Second},
		"and then not at all": {message(strings.Repeat("x", 1<<20))[:100], 100, time.Second, 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
				nc := greeted(t, ps)
				began := time.Now()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					trickle(nc, test.bytes, test.size, test.every)
				}()
				a.expectBroken(3)
				if took := time.Since(began); took < 30*time.Second || took > test.within {
					t.Errorf("broke after %v, want 30s to %v", took, test.within)
				}
				_ = nc.Close()
				<-ended
				synctest.Wait()
				if got := a.dropped(Slow); got != 1 {
					t.Errorf("got %d too slow, want 1", got)
				}
				if got := a.holds(); got != (held{}) {
					t.Errorf("got %+v left, want nothing", got)
				}
			})
		})
	}
}

// What comes as fast as Limits.MinStreamRate wants is waited for, however long it
// takes, and so are small messages that come seldom.
func TestSlowSenderIsWaitedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		nc := greeted(t, ps)
		large := strings.Repeat("x", 1<<20)
		trickle(nc, message(large), 1000, time.Second)
		a.expect("3 stream " + large)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := range 20 {
				trickle(nc, message(fmt.Sprint(i)), 4, 7*time.Second)
				time.Sleep(30 * time.Second)
			}
		}()
		for i := range 20 {
			a.expect(fmt.Sprint("3 stream ", i))
		}
		if got := a.dropped(Slow); got != 0 {
			t.Errorf("got %d too slow, want none", got)
		}
		<-ended
		_ = nc.Close()
		a.expectBroken(3)
	})
}

func TestDisconnect(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, b *node) {
		a.Disconnect(2) // there is no stream
		a.stream(2, "one")
		b.expect("1 stream one")
		synctest.Wait()
		a.Disconnect(2)
		a.expectBroken(2)
		b.expectBroken(1)
		b.stream(1, "two") // it may open another
		a.expect("2 stream two")

		ps.network(4) // accepts nothing: the attempt to open ends as well
		a.stream(4, "waits")
		synctest.Wait()
		a.Disconnect(4)
		a.expectBroken(4)
		synctest.Wait()
		if got := a.dropped(Lost); got != 1 {
			t.Errorf("got %d lost, want 1", got)
		}
	})
}
