package broadcast

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

func TestIDsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := ID{Origin: protocol.NodeID(rapid.Uint64().Draw(t, "origin")), Number: rapid.Uint64().Draw(t, "number")}
		b := id.Append(nil)
		r := wire.NewReader(b)
		got := ReadID(&r)
		err := r.Finish()
		if len(b) != IDSize || (err == nil) != (id.Origin != 0) || err == nil && got != id {
			t.Fatalf("%v: encoded as %x, read as %v, %v", id, b, got, err)
		}
	})
}

// The keys of events are part of published traces.
func TestKeysStayAsTheyAre(t *testing.T) {
	for id, want := range map[ID]uint64{
		{Origin: 1, Number: 0}: 0x5692161d100b05e5,
		{Origin: 1, Number: 1}: 0x83ec686c1600460a,
		{Origin: 2, Number: 1}: 0xef30b01c2974aeeb,
	} {
		if got := id.Key(); got != want {
			t.Errorf("%v: got key %#x, want %#x", id, got, want)
		}
	}
}
