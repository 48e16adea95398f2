package analysis_test

import (
	"math"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

// The number of complete pairs passes through that of a whole cluster while a
// crashed member's row and column are taken away one by one; that is no moment
// at which everybody knew everybody.
func TestADepartureDoesNotCompleteAJoin(t *testing.T) {
	s := newStory(t, 4)
	for i := range 4 {
		s.world(protocol.EventNodeStarted, i)
	}
	s.at(1)
	for o := range 4 {
		for p := range 4 {
			if o != p && (o != 0 || p != 3) {
				s.emit(evAlive, o, p)
			}
		}
	}
	s.at(2).world(protocol.EventNodeCrashed, 2)
	r := s.at(9).finish()
	want(t, r, map[string]float64{"swim.join_complete_s": math.NaN(), "swim.view_complete_share": 5.0 / 6})
}
