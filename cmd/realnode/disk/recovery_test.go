package disk_test

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/disk"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/replica"
)

// BenchmarkRecovery opens a store of a million keys of 9 bytes with values of 64
// and starts a replica on it, which is ready when Start returns: its tree is
// built. That is to take less than ten seconds. The files are in the cache of the
// operating system. The yardstick is a scan of the same store that does nothing.
func BenchmarkRecovery(b *testing.B) {
	const keys = 1_000_000
	c := replica.Default()
	c.InitialKeys, c.InitialValue, c.Push = keys, 64, "none"
	spec, dir := replica.Spec(), b.TempDir()
	s, err := disk.Open(dir, disk.Options{})
	must(b, err)
	must(b, spec.Initial(&c).Shared(s))
	must(b, s.Sync())
	must(b, s.Close())
	build := spec.NewBuilder(&c)

	b.Run("replica", func(b *testing.B) {
		for range b.N {
			s, err := disk.Open(dir, disk.Options{})
			must(b, err)
			p, err := build([]protocol.Protocol{alone{}})
			must(b, err)
			p.Start(&bareEnv{store: s, rand: protocol.NewRand(1)})
			if n := p.(*replica.Node).Len(); n != keys {
				b.Fatalf("got %d keys, want %d", n, keys)
			}
			b.StopTimer()
			must(b, s.Close())
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	})
	b.Run("scan", func(b *testing.B) {
		for range b.N {
			s, err := disk.Open(dir, disk.Options{})
			must(b, err)
			n := 0
			must(b, s.Scan(nil, nil, func(_, _ []byte) bool { n++; return true }))
			if n < keys {
				b.Fatalf("got %d keys, want %d", n, keys)
			}
			b.StopTimer()
			must(b, s.Close())
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// alone is a sampler that knows nobody.
type alone struct{}

func (alone) Start(protocol.Env)                                      {}
func (alone) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (alone) Timer(protocol.Env, protocol.Timer)                      {}

func (alone) OnChange(func(protocol.Env, protocol.NodeID, bool)) {}

func (alone) Sample(protocol.Env, int, func(protocol.NodeID) bool) []protocol.NodeID { return nil }

// bareEnv is an Env of which nothing is used but the disk.
type bareEnv struct {
	store protocol.Store
	rand  protocol.Rand
}

func (*bareEnv) ID() protocol.NodeID                                { return 1 }
func (*bareEnv) Now() protocol.Time                                 { return 1 }
func (e *bareEnv) Rand() *protocol.Rand                             { return &e.rand }
func (*bareEnv) MaxDatagram() int                                   { return 1400 }
func (*bareEnv) Send(protocol.NodeID, protocol.Message) error       { return nil }
func (*bareEnv) SendStream(protocol.NodeID, protocol.Message) error { return nil }
func (*bareEnv) After(time.Duration, protocol.Timer)                {}
func (*bareEnv) Emit(protocol.Event)                                {}
func (e *bareEnv) Store() protocol.Store                            { return e.store }
func (*bareEnv) Seeds() []protocol.Peer                             { return nil }
func (*bareEnv) Contact(protocol.NodeID) []byte                     { return nil }
func (*bareEnv) Introduce(id protocol.NodeID, contact []byte)       {}
