package observe

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/cyclon"
	"github.com/starling-sim/starling/protocol/flood"
	"github.com/starling-sim/starling/protocol/gossip"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/replica"
	"github.com/starling-sim/starling/protocol/swim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	self  protocol.NodeID = 0x5e1f
	other protocol.NodeID = 0x07e4
	third protocol.NodeID = 0x3d
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// specs are all protocols of the repository.
func specs() []protocol.Spec {
	return []protocol.Spec{swim.Spec(), hyparview.Spec(), cyclon.Spec(), plumtree.Spec(), gossip.Spec(), flood.Spec(), replica.Spec()}
}

// catalog is immutable, so one serves all tests.
var catalog = sync.OnceValues(func() (*Catalog, error) { return NewCatalog(specs()) })

func mustCatalog(t testing.TB) *Catalog {
	t.Helper()
	c, err := catalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustMetrics(t testing.TB) *Metrics {
	t.Helper()
	m, err := NewMetrics(specs(), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustObserver(t testing.TB, o Options) *Observer {
	t.Helper()
	o.Specs, o.Start = specs(), start
	obs, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, obs) })
	return obs
}

func mustClose(t testing.TB, obs *Observer) {
	t.Helper()
	if err := obs.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// record is an event of a name at this package's node, after a time.
func record(t testing.TB, after time.Duration, name string, peer protocol.NodeID, args ...uint64) protocol.Record {
	t.Helper()
	k := mustCatalog(t).names[name]
	if k == nil {
		t.Fatalf("no event %s", name)
	}
	r := protocol.Record{Time: int64(after), Node: self, Event: protocol.Event{Kind: k.Kind, Peer: peer}}
	copy(r.Event.Args[:], args)
	return r
}
