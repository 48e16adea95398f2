package broadcast

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// However peers ask, each gets a message at once and then after pauses that double;
// those who are remembered are bounded.
func TestAnswersComeAfterPausesThatDouble(t *testing.T) {
	limits := CacheLimits{Count: 4, Bytes: 100, Age: time.Hour}
	id := ID{Origin: 1, Number: 1}
	rapid.Check(t, func(t *rapid.T) {
		var c Cache
		c.Put(Message{ID: id}, 0, &limits)
		pause := time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "pause"))
		peers := rapid.IntRange(1, maxAnswers).Draw(t, "peers")
		next, pauses := map[protocol.NodeID]protocol.Time{}, map[protocol.NodeID]time.Duration{}
		now := protocol.Time(0)
		for range rapid.IntRange(1, 200).Draw(t, "asked") {
			now += protocol.Time(rapid.Int64Range(0, int64(3*pause)).Draw(t, "later"))
			peer := protocol.NodeID(rapid.IntRange(1, peers).Draw(t, "peer"))
			got, want := c.Answer(id, peer, now, pause), now >= next[peer]
			if got != want {
				t.Fatalf("%d asks at %d: got %v, want from %d on", peer, now, got, next[peer])
			}
			if got {
				pauses[peer] = max(pause, 2*pauses[peer])
				next[peer] = now.Add(pauses[peer])
			}
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	limits := CacheLimits{Count: 4, Bytes: 100, Age: time.Minute}
	var c Cache
	id := ID{Origin: 1, Number: 1}
	if c.Answer(id, 1, 0, time.Second) {
		t.Error("a message that is not there may be sent")
	}
	c.Put(Message{ID: id}, 0, &limits)
	for peer := range protocol.NodeID(1000) {
		c.Answer(id, peer+1, 0, time.Second)
	}
	if got := len(*c.kept.find(id).value.answers); got != maxAnswers {
		t.Errorf("%d peers are remembered, want %d", got, maxAnswers)
	}
	for range 100 { // no pause overflows
		c.Answer(id, 1, 0, 0)
	}
	if c.Answer(id, 1, 0, time.Second) {
		t.Error("answered again before any time had passed")
	}
}
