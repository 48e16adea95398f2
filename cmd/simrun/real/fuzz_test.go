package real

import (
	"encoding/json"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/protocol"
)

// FuzzRecord: what a process reports is a record of a time in the run and a kind,
// or is refused.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"time_ns":5,"node":"00000000000000aa","kind":257,"name":"swim.alive","peer":"00000000000000bb","args":[1,2,18446744073709551615]}`), uint32(1))
	f.Add([]byte(`{"time_ns":-1,"node":"aa","kind":1}`), uint32(1))
	f.Add([]byte(`{"node":"00000000000000aa","name":"observe.missed"}`), uint32(1))
	f.Fuzz(func(t *testing.T, text []byte, index uint32) {
		var e admin.Event
		if json.Unmarshal(text, &e) != nil {
			return
		}
		r, err := record(e, index)
		if err != nil {
			return
		}
		if r.Time < 0 || r.Index != index || r.Node.String() != e.Node || r.Event.Kind == 0 || r.Event.Args != e.Args ||
			e.Peer != "" && r.Event.Peer.String() != e.Peer {
			t.Errorf("%s: got %+v", text, r)
		}
	})
}

// FuzzSum: counters are added up whatever a process says that it counted.
func FuzzSum(f *testing.F) {
	f.Add([]byte(`{"timers":3,"shim.sent.swim.ping":2,"shim.sent_bytes.swim.ping":40,"shim.lost.cut":1,"shim.most_late_ns":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var counts map[string]uint64
		if json.Unmarshal(text, &counts) != nil {
			return
		}
		twice := map[string]uint64{}
		addCounts(twice, counts)
		addCounts(twice, counts)
		messages := []protocol.MessageSpec{{Name: "swim.ping"}, {Name: "plumtree.gossip", Payload: true}}
		got, once := sum(messages, []map[string]uint64{twice, nil}), sum(messages, []map[string]uint64{counts})
		if got.Timers != 2*once.Timers || got.Bytes != 2*once.Bytes || len(got.NodeMessages) != 2 || got.NodeMessages[1] != 0 {
			t.Errorf("%s: got %+v, want twice %+v", text, got, once)
		}
	})
}
