package lab_test

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
)

// rough is a network with every imperfection.
func rough(nodes int) netmodel.Config {
	return netmodel.Config{
		Seed: 7, Nodes: nodes,
		Latency: netmodel.LogNormal{Median: 40 * time.Millisecond, P90: 90 * time.Millisecond, Min: 5 * time.Millisecond},
		Loss: netmodel.GilbertElliott{
			MeanGood: time.Second, MeanBad: 100 * time.Millisecond, LossGood: netmodel.Always / 50, LossBad: netmodel.Always / 2,
		},
		Duplicate: netmodel.Always / 20,
		Reorder:   netmodel.Always / 10, ReorderDelay: 30 * time.Millisecond,
		Corrupt:   netmodel.Always / 20,
		Bandwidth: []netmodel.BandwidthClass{{Share: netmodel.Always, Up: 20_000_000, UpQueue: 4000}},
	}
}

// numbered is a frame of a size that begins with a number.
func numbered(n uint64, size int) []byte {
	return append(binary.BigEndian.AppendUint64(nil, n), make([]byte, size)...)
}

func sorted(list []passed) []passed {
	return slices.SortedFunc(slices.Values(list), func(a, b passed) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.to, b.to), strings.Compare(a.frame, b.frame))
	})
}

// What becomes of the k-th datagram to a peer is, to the nanosecond and the
// bit, what the model says.
func TestDatagramsHaveTheFateThatTheModelSays(t *testing.T) {
	const (
		datagrams = 10_000
		peers     = 3
	)
	synctest.Test(t, func(t *testing.T) {
		rule := netmodel.Rule{To: netmodel.Set{Nodes: []uint32{2}}, Loss: netmodel.Always / 4, Jitter: 20 * time.Millisecond}
		b := newBench(t, rough(peers+1), nil)
		model := must(netmodel.New(rough(peers + 1)))
		lost := map[lab.Loss]uint64{}
		var want []passed
		var k [peers + 1]uint32
		for n := range datagrams {
			if n == datagrams/2 {
				must(b.Apply(rule))
				must(model.Apply(rule))
			}
			to, frame := 1+n%peers, numbered(uint64(n), n%500)
			p := netmodel.Packet{
				From: 0, To: uint32(to), K: k[to], Now: int64(b.now()),
				Size: int32(len(frame) + netmodel.DefaultHeader),
			}
			k[to]++
			var f netmodel.Fate
			model.Datagram(&p, &f)
			if f.Lost != netmodel.Delivered {
				lost[lab.Loss(f.Lost.String())]++
			} else {
				damaged := slices.Clone(frame)
				if f.Corrupt != 0 {
					damaged = netmodel.Damage(damaged, f.Corrupt)
				}
				want = append(want, passed{b.now() + time.Duration(f.Delay), to, string(damaged)})
				if f.Duplicate >= 0 {
					want = append(want, passed{b.now() + time.Duration(f.Duplicate), to, string(frame)})
				}
			}
			b.Send(idOf(to), frame)
			clear(frame) // it is the caller's again
			time.Sleep(time.Duration(n%7) * 50 * time.Microsecond)
		}
		time.Sleep(time.Hour)
		if got, want := sorted(b.passed()), sorted(want); !slices.Equal(got, want) {
			t.Errorf("got %d datagrams through, want %d, or their times or contents differ", len(got), len(want))
		}
		st := b.Stats()
		if !maps.Equal(st.Lost, lost) {
			t.Errorf("got losses %v, want %v", st.Lost, lost)
		}
		for _, why := range []lab.Loss{lab.LostRandom, lab.LostBurst, lab.LostRule, lab.LostUplink} {
			if lost[why] == 0 {
				t.Errorf("the test lost nothing for the reason %q", why)
			}
		}
		if st.Late != 0 || st.Duplicated == 0 || st.Corrupted == 0 || st.Waiting != 0 || st.WaitingBytes != 0 {
			t.Errorf("got %+v, want nothing late or waiting, something doubled and damaged", st)
		}
		if err := balanced(st); err != nil {
			t.Error(err)
		}
	})
}

// Whatever is sent arrives at most once and once more for each copy that was
// made, and never before the least delay of the model.
func TestNothingComesFromNowhereOrTooEarly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		least := rapid.Int64Range(0, 20).Draw(rt, "least ms")
		network := netmodel.Config{
			Seed: rapid.Uint64().Draw(rt, "seed"), Nodes: 4,
			Latency:   netmodel.Uniform{Min: time.Duration(least) * time.Millisecond, Max: 50 * time.Millisecond},
			Loss:      netmodel.Independent{Probability: rapid.Uint64().Draw(rt, "loss")},
			Duplicate: rapid.Uint64().Draw(rt, "duplicate"),
			Reorder:   rapid.Uint64().Draw(rt, "reorder"), ReorderDelay: 40 * time.Millisecond,
		}
		type step struct {
			to     int
			stream bool
			pause  time.Duration
		}
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				to:     rapid.IntRange(1, 3).Draw(rt, "to"),
				stream: rapid.Bool().Draw(rt, "stream"),
				pause:  time.Duration(rapid.Int64Range(0, int64(20*time.Millisecond)).Draw(rt, "pause")),
			}
		}), 0, 100).Draw(rt, "steps")
		room := rapid.SampledFrom([]int{0, 1, 5}).Draw(rt, "room")

		var b *bench
		sent := make([]time.Duration, len(steps))
		synctest.Test(t, func(t *testing.T) {
			b = newBench(t, network, func(c *lab.Config) { c.MaxWaiting = room })
			for n, s := range steps {
				sent[n] = b.now()
				if s.stream {
					b.SendStream(idOf(s.to), numbered(uint64(n), 0))
				} else {
					b.Send(idOf(s.to), numbered(uint64(n), 0))
				}
				time.Sleep(s.pause)
			}
			time.Sleep(time.Hour)
		})
		st := b.Stats()
		if err := balanced(st); err != nil {
			rt.Error(err)
		}
		arrivals := make([]int, len(steps))
		extra := 0
		for _, p := range b.passed() {
			n := binary.BigEndian.Uint64([]byte(p.frame))
			arrivals[n]++
			if arrivals[n] > 1 {
				extra++
			}
			if p.to != steps[n].to {
				rt.Errorf("message %d for %d went to %d", n, steps[n].to, p.to)
			}
			if p.at-sent[n] < max(time.Duration(least)*time.Millisecond, 1) {
				rt.Errorf("message %d took %v, want %d ms or more", n, p.at-sent[n], least)
			}
		}
		for n, times := range arrivals {
			if times > 2 || times > 1 && steps[n].stream {
				rt.Errorf("message %d came %d times", n, times)
			}
		}
		if uint64(extra) > st.Duplicated {
			rt.Errorf("got %d copies, want at most the %d that were made", extra, st.Duplicated)
		}
	})
}

func TestPartitionCutsDatagramsUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		b.send(1, "before")
		b.at(5) // what is on its way gets through
		id := must(b.Apply(cutOff(0)))
		b.send(1, "during")
		b.at(20)
		if err := b.Remove(id); err != nil {
			t.Error(err)
		}
		b.send(1, "after")
		b.expect(100, `10ms datagram "before" to 1`, `30ms datagram "after" to 1`)
		if got := b.Stats().Lost[lab.LostCut]; got != 1 {
			t.Errorf("got %d messages lost by the cut, want 1", got)
		}
		if err := b.Remove(id); err == nil {
			t.Error("a rule was removed twice")
		}
	})
}

func TestRulesAreListedWhileInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		first := must(b.Apply(cutOff(0)))
		second := must(b.Apply(cutOff(1)))
		if _, err := b.Apply(cutOff(2)); err == nil {
			t.Error("a rule about a node that does not exist was taken")
		}
		if got := b.Rules(); len(got) != 2 || got[0].ID != first || got[1].ID != second || got[1].Rule.From.Nodes[0] != 1 {
			t.Errorf("got rules %+v, want %d and %d", got, first, second)
		}
		if err := b.Remove(first); err != nil {
			t.Error(err)
		}
		if got := b.Rules(); len(got) != 1 || got[0].ID != second {
			t.Errorf("got rules %+v, want %d", got, second)
		}
	})
}

func TestWhatDoesNotFitIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), func(c *lab.Config) { c.MaxWaiting, c.MaxWaitingBytes = 3, 10 })
		b.send(1, "12345")
		b.send(1, "123456") // 11 bytes
		b.send(2, "1")
		b.send(2, "2")
		b.send(2, "3") // fourth
		b.at(15)
		b.send(2, "4") // there is room again
		b.expect(100,
			`10ms datagram "12345" to 1`, `10ms datagram "1" to 2`, `10ms datagram "2" to 2`, `25ms datagram "4" to 2`)
		if got := b.Stats().Lost[lab.LostOverflow]; got != 2 {
			t.Errorf("got %d messages lost for want of room, want 2", got)
		}
	})
}

func TestStreamThatDoesNotFitBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), func(c *lab.Config) { c.MaxWaiting = 2 })
		b.stream(1, "a")
		b.stream(1, "b")
		b.stream(1, "c")
		b.at(5)
		b.stream(1, "d")
		b.expect(100, "1ns stream to 1 broke", `35ms message "d" to 1`)
		st := b.Stats()
		if st.Lost[lab.LostOverflow] != 1 || st.Lost[lab.LostStream] != 2 || st.StreamsBroken != 1 {
			t.Errorf("got %+v, want one message lost for want of room, two with their stream", st)
		}
	})
}

// The break comes at once, whatever is sent until then.
func TestStreamThatDoesNotFitIsNotOpenedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), func(c *lab.Config) { c.MaxWaitingBytes = 4 })
		b.stream(1, "large")
		b.stream(1, "s")
		b.at(5)
		b.stream(1, "t")
		b.expect(100, "1ns stream to 1 broke", `35ms message "t" to 1`)
	})
}

func TestWhatNobodyCanSendIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		b.Send(7, nil)
		b.SendStream(idOf(2), nil)
		b.Send(idOf(1), make([]byte, maxFrame+1))
		b.Send(idOf(1), make([]byte, maxFrame))
		b.send(0, "me")
		b.stream(0, "me too")
		b.at(1)
		b.Close()
		b.send(1, "late")
		b.stream(1, "late")
		b.Receive(idOf(1), []byte("late"))
		b.StreamReceived(idOf(1), true)
		b.StreamBroken(idOf(1))
		b.Close()
		b.expect(100, `10µs datagram "me" to 0`, `10µs message "me too" to 0`)
		st := b.Stats()
		if st.Lost[lab.LostNobody] != 2 || st.Lost[lab.LostTooLarge] != 1 || st.Lost[lab.LostClosed] != 4 {
			t.Errorf("got %+v, want 2 messages to nobody, 1 too large, 4 lost by closing", st)
		}
		if err := balanced(st); err != nil {
			t.Error(err)
		}
	})
}

// 1,250 bytes take 10 ms at 1 Mbit/s; the queue holds two of that size.
func TestDownlinkIsTheReceivers(t *testing.T) {
	network := constant(2)
	network.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Down: 1_000_000, DownQueue: 2500}}
	const size = 1250 - netmodel.DefaultHeader
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, network, nil)
		var times []time.Duration
		for range 3 {
			b.Receive(idOf(1), make([]byte, size))
		}
		b.at(100)
		for _, line := range b.happened() {
			at, _, _ := strings.Cut(line, " ")
			times = append(times, must(time.ParseDuration(at)))
		}
		if want := []time.Duration{10 * time.Millisecond, 20 * time.Millisecond}; !slices.Equal(times, want) {
			t.Errorf("got deliveries at %v, want %v", times, want)
		}
		if st := b.Stats(); st.Lost[lab.LostDownlink] != 1 || st.Delivered != 2 {
			t.Errorf("got %+v, want two delivered, one lost at the downlink", st)
		}
	})
}

func TestWithoutDownlinkArrivalsGoStraightOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		b.at(1)
		b.Receive(idOf(1), []byte("x"))
		b.expect(1, `1ms delivered "x" from 1`)
	})
}

// A transport that is slow makes what follows late, and the shim says so.
func TestLatenessIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		b := newBench(t, constant(2), nil)
		b.block = block
		b.send(1, "a")
		b.at(5)
		b.send(1, "b")
		b.at(17)
		close(block)
		b.expect(100, `17ms datagram "a" to 1`, `17ms datagram "b" to 1`)
		if st := b.Stats(); st.Late != 2*time.Millisecond || st.MostLate != 2*time.Millisecond {
			t.Errorf("got %v late, at most %v; want 2ms, 2ms", st.Late, st.MostLate)
		}
	})
}

// A process that was started again goes on counting where it is told to.
func TestFirstKContinuesTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newBench(t, rough(2), nil)
		rest := newBench(t, rough(2), func(c *lab.Config) { c.FirstK = 5 })
		for n := range 10 {
			whole.Send(idOf(1), numbered(uint64(n), 0))
			if n >= 5 {
				rest.Send(idOf(1), numbered(uint64(n), 0))
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		want := slices.DeleteFunc(whole.passed(), func(p passed) bool { return p.at < 5*time.Second })
		if !slices.Equal(rest.passed(), want) {
			t.Errorf("got %v, want %v", rest.passed(), want)
		}
	})
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	model := must(netmodel.New(constant(2)))
	downlink := constant(2)
	downlink.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Down: 1_000_000}}
	whole := lab.Config{Index: indexOf, Model: model, Lower: lower{}, Now: func() time.Duration { return 0 }}
	for name, change := range map[string]func(*lab.Config){
		"indices":   func(c *lab.Config) { c.Index = nil },
		"model":     func(c *lab.Config) { c.Model = nil },
		"transport": func(c *lab.Config) { c.Lower = nil },
		"clock":     func(c *lab.Config) { c.Now = nil },
		"got own":   func(c *lab.Config) { c.Self = 2 },
		"deliver":   func(c *lab.Config) { c.Model = must(netmodel.New(downlink)) },
		"time-out":  func(c *lab.Config) { c.StreamTimeout = -1 },
		"room":      func(c *lab.Config) { c.MaxWaiting = math.MinInt },
	} {
		cfg := whole
		change(&cfg)
		if _, err := lab.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got error %v, want one that names it", name, err)
		}
	}
}
