package node_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/plumtree"
)

// unfound stands for a seed of which nobody knows yet who it is.
const unfound = 999

// Nodes that were founded apart, because nobody found the seeds of the others, are
// one cluster soon after a single one of them is told of one of the others. That
// is what a process does when a seed answers at last. Founders know that there is
// a seed that does not answer.
func TestIslandsMeetThroughALateSeed(t *testing.T) {
	for _, size := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(size, " and ", size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hub{ports: map[protocol.NodeID]*port{}}
				t.Cleanup(h.work.Wait)
				st := mustDefault(t)
				var nodes []*member
				for _, founder := range []int{1, size + 1} {
					nodes = append(nodes, h.joinAt(t, st, protocol.Peer{ID: unfound}))
					for range size - 1 {
						nodes = append(nodes, h.joinAt(t, st, h.peer(founder)))
					}
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if !everybody(nodes, size) {
					t.Fatal("want two islands to begin with")
				}

				if err := nodes[0].SetSeeds([]protocol.Peer{h.peer(size + 1)}); err != nil {
					t.Fatal(err)
				}
				t.Logf("everybody knew everybody after %v",
					until(t, "everybody knows everybody", 2*time.Minute, func() bool { return everybody(nodes, 2*size) }))
				t.Logf("broadcasts reached everybody %v later", until(t, "a broadcast reaches everybody", 5*time.Minute, func() bool {
					before := 0
					for _, m := range nodes {
						before += m.events.heard(plumtree.EventDeliver)
					}
					c := protocol.Command{Kind: plumtree.CommandBroadcast, Value: []byte("hello")}
					if err := nodes[size].Command(context.Background(), c); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					synctest.Wait()
					for _, m := range nodes {
						before -= m.events.heard(plumtree.EventDeliver)
					}
					return -before == 2*size-1
				}))
				for _, m := range nodes {
					m.stop()
				}
			})
		})
	}
}
