package real

import (
	"testing"

	"github.com/starling-sim/starling/protocol"
)

func TestCountersAreAddedUpOverNodesAndLives(t *testing.T) {
	first := map[string]uint64{"timers": 1, "shim.datagrams": 2, "shim.sent.a.ping": 2, "shim.sent_bytes.a.ping": 100, mostLate: 9}
	addCounts(first, map[string]uint64{"timers": 10, "shim.datagrams": 20, "shim.sent.a.ping": 20, "shim.sent_bytes.a.ping": 1000, mostLate: 5})
	if first[mostLate] != 9 {
		t.Errorf("got most late %d, want 9: it is a maximum", first[mostLate])
	}
	second := map[string]uint64{"timers": 100, "shim.stream_messages": 3, "kind.a.ping.in": 7, "shim.lost.nobody": 4, "dropped.inbox_full": 5}
	got := sum([]protocol.MessageSpec{{Name: "a.ping"}, {Name: "a.never"}}, []map[string]uint64{first, second})
	if got.Timers != 111 || got.Datagrams != 22 || got.StreamMessages != 3 || got.Bytes != 1100 || got.Delivered != 7 || got.Events != 118 {
		t.Errorf("got %+v", got)
	}
	if len(got.Messages) != 1 || got.Messages[0].Name != "a.ping" || got.Messages[0].Messages != 22 || got.Messages[0].Bytes != 1100 {
		t.Errorf("got messages %+v, want 22 of a.ping", got.Messages)
	}
	if got.NodeMessages[0] != 22 || got.NodeMessages[1] != 0 || got.NodeBytes[0] != 1100 {
		t.Errorf("got %v and %v by node", got.NodeMessages, got.NodeBytes)
	}
	lost := map[string]uint64{}
	for _, l := range got.Lost {
		lost[l.Name] = l.N
	}
	if lost["nobody"] != 4 || lost["inbox"] != 5 || len(lost) != len(losses) {
		t.Errorf("got losses %v", lost)
	}
}
