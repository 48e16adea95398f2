package node_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
)

func mustDefault(t testing.TB) *stack.Stack {
	t.Helper()
	r, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	fast := swim.Local()
	st, err := r.New([]string{"swim", "hyparview", "plumtree"}, map[string]any{"swim": &fast})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// members is how many members a node knows, itself included.
func (m *member) members() (count int) {
	m.t.Helper()
	if err := m.Inspect(context.Background(), func(layers []protocol.Protocol) {
		count = layers[0].(*swim.Node).Members()
	}); err != nil {
		m.t.Fatal(err)
	}
	return count
}

// heard counts a node's records of a kind of event, from the one of a number on.
func (r *records) heard(kind protocol.EventKind) (count int) {
	for _, k := range r.kinds() {
		if k == kind {
			count++
		}
	}
	return count
}

// until lets time pass until ok; it returns how much did.
func until(t *testing.T, what string, most time.Duration, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > most {
			t.Fatalf("%s: not after %v", what, most)
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
	}
	return time.Since(began)
}

// everybody tells whether all nodes but those left out know of count members.
func everybody(nodes []*member, count int) bool {
	return !slices.ContainsFunc(nodes, func(m *member) bool { return m.members() != count })
}

// The real stack in the real runtime, over a network without troubles, in a time
// that is not real: a cluster forms, a broadcast reaches all, a crash is noticed,
// clocks that are set are not, a leave is known as one.
func TestCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8
		h := &hub{ports: map[protocol.NodeID]*port{}}
		t.Cleanup(h.work.Wait) // after the nodes have stopped
		st := mustDefault(t)
		var nodes []*member
		for range size {
			nodes = append(nodes, h.join(t, st))
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("everybody knew everybody %v after the last had joined",
			until(t, "everybody knows everybody", 10*time.Second, func() bool { return everybody(nodes, size) }))

		time.Sleep(10 * time.Second) // links
		broadcast := func(from *member, payload int) {
			c := protocol.Command{Kind: plumtree.CommandBroadcast, Value: make([]byte, payload)}
			if err := from.Command(context.Background(), c); err != nil {
				t.Fatal(err)
			}
		}
		broadcast(nodes[3], 100)
		broadcast(nodes[4], 100_000) // by stream
		until(t, "two broadcasts reach everybody", 5*time.Second, func() bool {
			got := 0
			for _, m := range nodes {
				got += m.events.heard(plumtree.EventDeliver)
			}
			return got == 2*(size-1)
		})

		// Set wall clocks change nothing; a clock that leaps is a process that
		// was paused, which no other suffers from.
		nodes[1].clock.StepWall(time.Hour)
		nodes[2].clock.StepWall(-time.Hour)
		nodes[5].clock.Leap(time.Hour)
		nodes[6].clock.Leap(-time.Hour)
		before := 0
		for _, m := range nodes {
			before += m.events.heard(swim.EventConfirmDead)
		}
		time.Sleep(30 * time.Second)
		dead := 0
		for _, m := range nodes {
			dead += m.events.heard(swim.EventConfirmDead)
		}
		if !everybody(nodes, size) || dead != before {
			t.Errorf("after clocks were set: %d verdicts of death", dead-before)
		}

		nodes[7].stop()
		nodes = nodes[:7]
		t.Logf("everybody had noticed a crash after %v",
			until(t, "a crash is noticed", 30*time.Second, func() bool { return everybody(nodes, size-1) }))

		if err := nodes[0].Leave(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-nodes[0].result; err != nil {
			t.Error(err)
		}
		nodes = nodes[1:]
		// Mostly at once; whom gossip happens to miss finds nobody to probe.
		until(t, "a leave is known", 30*time.Second, func() bool { return everybody(nodes, size-2) })

		for _, m := range nodes {
			for why, count := range m.Stats().Dropped {
				if count > 0 {
					t.Errorf("node %v dropped %d for reason %d", m.port.id, count, why)
				}
			}
			m.stop()
		}
	})
}
