//go:build linux && soak

package main_test

import (
	"context"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/stack"
)

// realFrames are frames that protocols sent: those of a small cluster inside
// this process.
func realFrames(t *testing.T) (frames [][]byte, decoders protocol.Decoders) {
	t.Helper()
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"swim", "hyparview", "plumtree"}
	configs := map[string]any{}
	for _, name := range names {
		spec, _ := registry.Lookup(name)
		configs[name] = spec.NewConfig()
	}
	st, err := registry.New(names, configs)
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{seen: map[string]bool{}, nodes: map[protocol.NodeID]*node.Node{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for id := protocol.NodeID(1); id <= 5; id++ {
		c := node.Config{ID: id, Stack: st, Transport: port{h, id}, Contacts: h}
		if id > 1 {
			c.Seeds = []protocol.Peer{{ID: 1, Contact: transport.PlainContact(netip.MustParseAddrPort("127.0.0.1:1"))}}
		}
		n, err := node.New(c)
		if err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		h.nodes[id] = n
		h.mu.Unlock()
		running.Go(func() { _ = n.Run(ctx) })
	}
	for range 15 { // long enough for every kind of message but those of failures
		time.Sleep(200 * time.Millisecond)
		_ = h.nodes[3].Command(ctx, protocol.Command{Kind: plumtree.CommandBroadcast, Value: []byte("hello")})
	}
	cancel()
	running.Wait()
	for _, f := range slices.Sorted(maps.Keys(h.seen)) {
		frames = append(frames, []byte(f))
	}
	return frames, st.Decoders()
}

// hall is a transport without a network, which keeps what is said in it.
type hall struct {
	mu    sync.Mutex
	seen  map[string]bool
	nodes map[protocol.NodeID]*node.Node
}

func (h *hall) Contact(protocol.NodeID) []byte {
	return transport.PlainContact(netip.MustParseAddrPort("127.0.0.1:1"))
}
func (h *hall) Introduce(protocol.NodeID, []byte) error { return nil }
func (h *hall) keep(to protocol.NodeID, f []byte) *node.Node {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[string(f)] = true
	return h.nodes[to]
}

type port struct {
	*hall
	self protocol.NodeID
}

func (p port) MaxDatagram() int { return 1400 }

func (p port) Send(to protocol.NodeID, frame []byte) error {
	if n := p.keep(to, frame); n != nil {
		n.Deliver(p.self, slices.Clone(frame))
	}
	return nil
}

func (p port) SendStream(to protocol.NodeID, frame []byte) error {
	if n := p.keep(to, frame); n != nil {
		go n.DeliverStream(context.Background(), p.self, frame)
	}
	return nil
}

// garbage are datagrams that no protocol would send to a node: random bytes,
// and frames that were cut short or damaged. Damage that leaves a message which
// can be read is a forgery and not garbage; plain transport, which believes
// everybody, has nothing against those, so they are left out.
type garbage struct {
	rng      *rand.Rand
	frames   [][]byte
	decoders protocol.Decoders
}

// datagram makes one for a node, from one of its peers or a stranger.
func (g *garbage) datagram(to protocol.NodeID, peers []protocol.NodeID) []byte {
	kind := g.rng.IntN(5)
	if kind == 0 {
		return g.bytes(g.rng.IntN(1600))
	}
	b := make([]byte, 16)
	from := protocol.NodeID(g.rng.Uint64())
	if g.rng.IntN(2) == 0 {
		from = peers[g.rng.IntN(len(peers))]
	}
	binary.BigEndian.PutUint64(b, uint64(from))
	binary.BigEndian.PutUint64(b[8:], uint64(to))
	if kind == 1 {
		binary.BigEndian.PutUint64(b[8:], g.rng.Uint64()) // for somebody else
		return append(b, g.frame()...)
	}
	for {
		f := g.frame()
		switch kind {
		case 2:
			f = append([]byte{protocol.FrameVersion}, g.bytes(g.rng.IntN(1400))...)
		case 3:
			f = f[:g.rng.IntN(len(f))]
		case 4:
			for range 1 + g.rng.IntN(8) {
				f[g.rng.IntN(len(f))] ^= byte(1 << g.rng.IntN(8))
			}
		}
		if _, err := g.decoders.Decode(f); err != nil {
			return append(b, f...)
		}
	}
}

func (g *garbage) frame() []byte { return slices.Clone(g.frames[g.rng.IntN(len(g.frames))]) }

func (g *garbage) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rng.Uint32())
	}
	return b
}

const (
	floodRate    = 50_000 // datagrams a second
	floodSockets = 4      // so that none exceeds its token bucket (20,000 a second)
)

// flood sends garbage to an address for a time, and returns how many datagrams a
// second that were. The senders that they name are changed as they go, so that
// strangers are many.
func (g *garbage) flood(ctx context.Context, at netip.AddrPort, to protocol.NodeID, peers []protocol.NodeID, long time.Duration) float64 {
	pool := make([][]byte, 4096)
	stranger := make([]bool, len(pool))
	for i := range pool {
		pool[i] = g.datagram(to, peers)
		stranger[i] = len(pool[i]) > 16 && !slices.Contains(peers, protocol.NodeID(binary.BigEndian.Uint64(pool[i])))
	}
	var sent atomic.Int64
	var senders sync.WaitGroup
	began := time.Now()
	for s := range floodSockets {
		seed := g.rng.Uint64()
		senders.Go(func() {
			c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
			if err != nil {
				return
			}
			defer c.Close()
			names := rand.New(rand.NewPCG(seed, uint64(s)))
			buf := make([]byte, 0, 2048)
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			mine := 0
			for time.Since(began) < long && ctx.Err() == nil {
				// A sender that was late does not make up for more than a burst.
				due := int(time.Since(began).Seconds() * floodRate / floodSockets)
				mine = max(mine, due-2000)
				for ; mine < due; mine++ {
					i := names.IntN(len(pool))
					buf = append(buf[:0], pool[i]...)
					if stranger[i] {
						binary.BigEndian.PutUint64(buf, names.Uint64())
					}
					if _, err := c.Write(buf); err == nil {
						sent.Add(1)
					}
				}
				<-tick.C
			}
		})
	}
	senders.Wait()
	return float64(sent.Load()) / time.Since(began).Seconds()
}
