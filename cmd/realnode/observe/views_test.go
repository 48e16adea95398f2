package observe

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// The views count as many as somebody finds who reads the whole history of each
// peer.
func TestViewsCountWhatTheHistoryTells(t *testing.T) {
	catalog := mustCatalog(t)
	memberNames := []string{"swim.alive", "swim.suspect", "swim.confirm_dead", "swim.left", "swim.reap"}
	rootNames := []string{"replica.root"}
	linkNames := []string{"hyparview.neighbor_up", "hyparview.neighbor_down", "cyclon.neighbor_up", "cyclon.neighbor_down"}
	rapid.Check(t, func(t *rapid.T) {
		v := newViews(catalog)
		var history []protocol.Record
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			name := rapid.SampledFrom(slices.Concat([]string{"world.started"}, rootNames, memberNames, linkNames)).Draw(t, "name")
			r := protocol.Record{Node: self, Event: protocol.Event{
				Kind: catalog.names[name].Kind,
				Peer: rapid.SampledFrom([]protocol.NodeID{0, self, 1, 2, 3, 4}).Draw(t, "peer"),
				Args: [3]uint64{rapid.Uint64().Draw(t, "root"), rapid.Uint64().Draw(t, "keys"), rapid.Uint64().Draw(t, "tombstones")},
			}}
			if name == "world.started" {
				history = nil
			} else {
				history = append(history, r)
			}
			v.apply(r)
		}

		members := map[string]uint64{"alive": 0, "suspect": 0, "dead": 0, "left": 0}
		links := map[string]uint64{"hyparview": 0, "cyclon": 0}
		for _, peer := range []protocol.NodeID{1, 2, 3, 4} {
			status, linked := "", map[string]bool{}
			for _, r := range history {
				if r.Event.Peer != peer {
					continue
				}
				switch k := catalog.kinds[r.Event.Kind]; k.Name {
				case "swim.alive", "swim.suspect", "swim.left":
					status = k.short
				case "swim.confirm_dead":
					status = "dead"
				case "swim.reap":
					status = ""
				case "replica.root":
				default:
					linked[k.protocol] = k.short == "neighbor_up"
				}
			}
			if status != "" {
				members[status]++
			}
			for p, up := range linked {
				if up {
					links[p]++
				}
			}
		}
		keys, tombstones, roots := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
		for _, r := range history {
			if catalog.kinds[r.Event.Kind].Name == "replica.root" {
				roots["replica"], keys["replica"], tombstones["replica"] = r.Event.Args[0]/4096, r.Event.Args[1], r.Event.Args[2]
			}
		}
		mustEqualCounts(t, "keys", v.byContents(keyCount), keys)
		mustEqualCounts(t, "tombstones", v.byContents(tombstoneCount), tombstones)
		mustEqualCounts(t, "roots", v.byContents(rootNumber), roots)
		mustEqualCounts(t, "members", v.membersByStatus(), members)
		mustEqualCounts(t, "links", v.linksByProtocol(), links)
		wantJoined := members["alive"]+members["suspect"]+links["hyparview"]+links["cyclon"] > 0
		if joined := v.joined() == nil; joined != wantJoined {
			t.Fatalf("joined: got %v, want %v", joined, wantJoined)
		}
	})
}

func mustEqualCounts(t *rapid.T, what string, got, want map[string]uint64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}
