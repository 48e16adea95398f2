package clock_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
)

// Whatever the physical clocks do: what happened before has the smaller
// timestamp, no timestamp occurs twice, and none runs ahead of all physical
// clocks by more than the events that there were.
func TestTimestampsRespectCausalityUnderSkewedClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nodes = 3
		var clocks [nodes]*clock.HLC
		for i := range clocks {
			clocks[i] = clock.NewHLC(protocol.NodeID(i+1), -1)
		}
		physical := rapid.Int64Range(-5, 20)
		latest := int64(0)
		sent := []clock.Timestamp{}
		issued := map[clock.Timestamp]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			node, now := rapid.IntRange(0, nodes-1).Draw(t, "node"), physical.Draw(t, "now")
			latest = max(latest, now)
			before, after := clocks[node].Last(), clock.Timestamp{}
			if len(sent) > 0 && rapid.Bool().Draw(t, "receive") {
				remote := rapid.SampledFrom(sent).Draw(t, "remote")
				got, err := clocks[node].Update(protocol.Time(now), remote)
				if err != nil || got.Compare(remote) <= 0 {
					t.Fatalf("update at %d with %s: got %s, %v, want a later timestamp", now, remote, got, err)
				}
				after = got
			} else {
				after = clocks[node].Now(protocol.Time(now))
			}
			if after.Compare(before) <= 0 || after.Wall < now || issued[after] {
				t.Fatalf("at %d, after %s: got %s, want a later timestamp that was never issued", now, before, after)
			}
			if after.Wall > latest || int(after.Logical) > len(sent)+1 {
				t.Fatalf("got %s after %d events at %d or earlier", after, len(sent)+1, latest)
			}
			issued[after] = true
			sent = append(sent, after)
		}
	})
}

func TestUpdateRefusesARemoteTooFarAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const bound = 100
		c := clock.NewHLC(1, bound)
		last, refused := c.Last(), uint64(0)
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			now := rapid.Int64Range(-1000, 1000).Draw(t, "now")
			remote := clock.Timestamp{Wall: max(0, now+rapid.Int64Range(-300, 300).Draw(t, "ahead")), Node: 2}
			got, err := c.Update(protocol.Time(now), remote)
			if ahead := remote.Wall-now > bound; ahead {
				refused++
				var typed *clock.AheadError
				if !errors.Is(err, clock.ErrAhead) || !errors.As(err, &typed) || typed.Remote != remote || c.Last() != last {
					t.Fatalf("update at %d with %s: got %s, %v", now, remote, got, err)
				}
			} else if err != nil || got.Wall > max(last.Wall, now+bound) {
				t.Fatalf("update at %d with %s after %s: got %s, %v", now, remote, last, got, err)
			}
			last = c.Last()
		}
		if c.Refused() != refused {
			t.Fatalf("got %d refused, want %d", c.Refused(), refused)
		}
	})
}

// The four cases of the paper's algorithm, and the clock's edges.
func TestUpdate(t *testing.T) {
	ts := func(wall int64, logical uint32) clock.Timestamp { return clock.Timestamp{Wall: wall, Logical: logical} }
	for _, c := range []struct {
		name         string
		last, remote clock.Timestamp
		now          protocol.Time
		want         clock.Timestamp
	}{
		{"all equal, remote counted further", ts(10, 2), ts(10, 5), 10, ts(10, 6)},
		{"local and remote equal, local counted further", ts(10, 7), ts(10, 5), 9, ts(10, 8)},
		{"local ahead", ts(10, 2), ts(8, 5), 9, ts(10, 3)},
		{"remote ahead", ts(8, 2), ts(10, 5), 9, ts(10, 6)},
		{"physical time ahead", ts(8, 2), ts(9, 5), 10, ts(10, 0)},
		{"no room to count", ts(10, math.MaxUint32), ts(3, 0), 9, ts(11, 0)},
		{"remote without room to count", ts(8, 2), ts(10, math.MaxUint32), 9, ts(11, 0)},
	} {
		h := clock.NewHLC(1, time.Hour)
		h.Restore(c.last)
		c.remote.Node, c.want.Node = 2, 1
		if got, err := h.Update(c.now, c.remote); got != c.want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestABoundNearTheEndOfTimeDoesNotWrap(t *testing.T) {
	h := clock.NewHLC(1, math.MaxInt64)
	if _, err := h.Update(math.MaxInt64, clock.Timestamp{Wall: math.MaxInt64, Node: 2}); err != nil {
		t.Error(err)
	}
	h = clock.NewHLC(1, 10)
	if _, err := h.Update(math.MinInt64, clock.Timestamp{Wall: 1, Node: 2}); !errors.Is(err, clock.ErrAhead) {
		t.Errorf("got %v, want ErrAhead", err)
	}
}

func TestARestoredClockContinues(t *testing.T) {
	h := clock.NewHLC(1, 0)
	h.Restore(clock.Timestamp{Wall: 50, Logical: 3, Node: 1})
	h.Restore(clock.Timestamp{Wall: 40, Logical: 9, Node: 1})
	if got, want := h.Now(20), (clock.Timestamp{Wall: 50, Logical: 4, Node: 1}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
