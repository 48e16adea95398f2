package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// addresses are what seeds are found at, with when somebody looked.
type addresses struct {
	mu     sync.Mutex
	at     map[string]protocol.NodeID
	looked []time.Time
	lines  strings.Builder
}

// move has a seed be at an address from now on.
func (a *addresses) move(text string, id protocol.NodeID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[text] = id
}

// look is refused at once, or gets no answer if the text begins with "silent".
func (a *addresses) look(ctx context.Context, text string) (protocol.Peer, error) {
	a.mu.Lock()
	a.looked = append(a.looked, time.Now())
	id, ok := a.at[text]
	a.mu.Unlock()
	if ok {
		return protocol.Peer{ID: id, Contact: []byte(text)}, nil
	}
	if strings.HasPrefix(text, "silent") {
		<-ctx.Done()
		return protocol.Peer{}, fmt.Errorf("%s: %w", text, ctx.Err())
	}
	return protocol.Peer{}, fmt.Errorf("%s: nobody is there", text)
}

func (a *addresses) looks() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.looked)
}

func (a *addresses) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lines.Write(b)
}

func (a *addresses) logged(text string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Count(a.lines.String(), text)
}

const thisNode = 100

// fixture is a node's seeds in virtual time.
type fixture struct {
	*addresses
	*seeds
	mu      sync.Mutex
	told    []protocol.NodeID
	unfound int // that it was told of beside those
	alive   map[protocol.NodeID]bool
	cancel  context.CancelFunc
	ended   chan error
}

func newFixture(t *testing.T, at map[string]protocol.NodeID, texts ...string) *fixture {
	t.Helper()
	f := &fixture{addresses: &addresses{at: at}, alive: map[protocol.NodeID]bool{thisNode: true}, ended: make(chan error, 1)}
	f.seeds = newSeeds(thisNode, time.Minute, slog.New(slog.NewTextHandler(f.addresses, nil)), f.look)
	if err := f.set(texts); err != nil {
		t.Fatal(err)
	}
	return f
}

// run has the node run.
func (f *fixture) run(t *testing.T) {
	t.Helper()
	err := f.onFound(func(peers []protocol.Peer) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told, f.unfound = nil, 0
		for _, p := range peers {
			if len(p.Contact) == 0 {
				f.unfound++
				continue
			}
			f.told = append(f.told, p.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	go func() {
		f.ended <- f.watch(ctx, func(ctx context.Context) (func(protocol.NodeID) bool, error) {
			return func(id protocol.NodeID) bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return f.alive[id]
			}, ctx.Err()
		})
	}()
}

func (f *fixture) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

func (f *fixture) live(id protocol.NodeID, is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive[id] = is
}

func (f *fixture) wantTold(t *testing.T, want ...protocol.NodeID) {
	t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.told, want) {
		t.Errorf("the node starts from %v, want %v", f.told, want)
	}
}

// Protocols are told of seeds that are not found: somebody is missing.
func TestUnfoundSeedsAreSeedsThatDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{"self": thisNode, "b": 2, "b again": 2}, "gone", "self", "b", "silent", "b again")
		if err := f.begin(t.Context(), 20*time.Second); err != nil {
			t.Fatal(err)
		}
		f.run(t)
		f.wantTold(t, 2)
		if f.unfound != 2 {
			t.Errorf("got %d seeds that are not found, want 2", f.unfound)
		}
		f.move("gone", 3)
		time.Sleep(2 * time.Minute)
		f.wantTold(t, 3, 2)
		if f.unfound != 1 {
			t.Errorf("got %d seeds that are not found, want 1", f.unfound)
		}
		f.stop(t)
	})
	if a, b := unfound("a"), unfound("b"); a.ID == b.ID || a.ID == 0 || a.ID != unfound("a").ID {
		t.Errorf("got %v and %v, want two that stay the same", a, b)
	}
}

// A founder that finds only itself starts when its patience is over, goes on
// looking for the others with growing pauses, and stops when they are members.
func TestAFounderGoesOnLookingForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{"self": thisNode}, "self", "silent b", "c")
		began := time.Now()
		if err := f.begin(t.Context(), 20*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("started after %v, want all of the patience", took)
		}
		if f.first() {
			t.Error("the node believes that there is no other seed")
		}
		f.run(t)
		f.wantTold(t)

		time.Sleep(time.Hour)
		f.move("silent b", 2)
		time.Sleep(time.Minute + askTime)
		f.wantTold(t, 2)
		f.live(2, true)
		time.Sleep(time.Hour)
		f.wantTold(t, 2)
		f.move("c", 3)
		time.Sleep(time.Minute + askTime)
		f.wantTold(t, 2, 3)
		f.live(3, true)

		time.Sleep(time.Minute)
		looks := f.looks()
		time.Sleep(time.Hour)
		if got := f.looks(); got != looks {
			t.Errorf("looked %d times for seeds that are members", got-looks)
		}
		f.stop(t)
	})
}

// Pauses grow from a second to a minute, and what is wrong is logged once.
func TestPausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{}, "gone")
		f.run(t)
		time.Sleep(10*time.Minute - time.Second)
		f.stop(t)
		var pauses []time.Duration
		for i := range f.looked[1:] {
			pauses = append(pauses, f.looked[i+1].Sub(f.looked[i])/time.Second)
		}
		if got, want := fmt.Sprint(pauses), fmt.Sprint([]time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60}); got != want {
			t.Errorf("got pauses of %v s, want %v", got, want)
		}
		if got := f.logged("gone: nobody is there"); got != 1 {
			t.Errorf("logged %d times, want once:\n%s", got, f.lines.String())
		}
	})
}

// A seed that was a member and died is looked for: it may be somebody else now,
// or somewhere else.
func TestASeedThatDiedIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{"b": 2}, "b")
		began := time.Now()
		if err := f.begin(t.Context(), 20*time.Second); err != nil || time.Since(began) != 0 {
			t.Fatalf("got %v after %v, want the seed at once", err, time.Since(began))
		}
		f.run(t)
		f.live(2, true)
		f.wantTold(t, 2)
		time.Sleep(time.Hour)
		f.live(2, false)
		f.move("b", 7) // started again without its keys
		time.Sleep(time.Minute + time.Second)
		f.wantTold(t, 7)
		f.stop(t)
	})
}

// Another list takes effect at once, also while the node waits.
func TestSeedsCanBeReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{"b": 2, "c": 3}, "gone")
		f.run(t)
		time.Sleep(10*time.Minute + time.Second)
		if err := f.set([]string{"c", "b"}); err != nil {
			t.Fatal(err)
		}
		f.wantTold(t, 3, 2)
		if err := f.set([]string{"b"}); err != nil {
			t.Fatal(err)
		}
		f.wantTold(t, 2)
		if err := f.set(nil); err != nil {
			t.Fatal(err)
		}
		f.wantTold(t)
		if !f.first() {
			t.Error("a node without seeds is not the first")
		}
		f.stop(t)
	})
}

// Who needs a seed is told why there is none.
func TestNoSeedAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{}, "gone", "silent")
		began := time.Now()
		err := f.begin(t.Context(), 20*time.Second)
		if err == nil || !strings.Contains(err.Error(), "gone: nobody is there") || time.Since(began) != 20*time.Second {
			t.Errorf("got %v after %v, want why, after 20s", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := f.begin(ctx, 20*time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it interrupted", err)
		}
	})
}

// Seeds of which one has answered are waited for a little longer.
func TestTheOthersAreWaitedForALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]protocol.NodeID{"b": 2}, "silent", "b")
		began := time.Now()
		if err := f.begin(t.Context(), 20*time.Second); err != nil || time.Since(began) != othersPatience {
			t.Errorf("got %v after %v, want %v", err, time.Since(began), othersPatience)
		}
	})
}

// Whatever becomes of the seeds: those that are there in the end are what the node
// starts from two rounds later, in the order of the list, and nobody else is.
func TestWhatIsThereIsFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "silent c", "silent d", "e"}), 0, 5, rapid.ID).Draw(rt, "texts")
		changes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [3]int {
			return [3]int{rapid.IntRange(0, 4).Draw(rt, "which"), rapid.IntRange(98, 102).Draw(rt, "who"), rapid.IntRange(0, 100).Draw(rt, "seconds")}
		}), 0, 8).Draw(rt, "changes")
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, map[string]protocol.NodeID{}, texts...)
			f.run(t)
			synctest.Wait()
			for _, c := range changes {
				// Where this node itself was found, there is nobody else.
				if c[0] < len(texts) && f.at[texts[c[0]]] != thisNode {
					f.move(texts[c[0]], protocol.NodeID(c[1]))
				}
				time.Sleep(time.Duration(c[2]) * time.Second)
			}
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			var want []protocol.NodeID
			for _, text := range texts {
				if id := f.at[text]; id != 0 && id != thisNode && !slices.Contains(want, id) {
					want = append(want, id)
				}
			}
			f.wantTold(t, want...)
			f.stop(t)
		})
	})
}
