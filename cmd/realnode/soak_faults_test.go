//go:build linux && soak

package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// fault is what is done to a node.
type fault int

const (
	faultKill fault = iota
	faultStop
	faultFlood
	faultHammer
	faultDisk
	numFaults
)

var faultNames = [numFaults]string{"kill -9", "SIGSTOP", "flood", "hammer", "full disk"}

// bag holds as many of each fault as there should be of it in a round.
var bag = []fault{
	faultKill, faultKill, faultKill, faultKill, faultKill, faultKill,
	faultStop, faultStop, faultStop,
	faultFlood, faultFlood,
	faultHammer, faultHammer,
	faultDisk, faultDisk,
}

// tally is what happened.
type tally struct {
	said, unsaid atomic.Int64
	hammered     hammered

	mu         sync.Mutex
	rates      []float64 // achieved by floods
	lookedAt   int       // how often somebody was asked about a flooded node
	thoughtBad int       // how often it was held for dead
}

// faults draws faults for a while and waits until all of them are over.
func (s *soak) faults(ctx context.Context, long time.Duration) {
	var working sync.WaitGroup
	defer working.Wait()
	over := make(chan *soakNode, soakNodes)
	var rest []fault
	end := time.Now().Add(long)
	for time.Now().Before(end) && ctx.Err() == nil {
		if len(rest) == 0 {
			rest = slices.Clone(bag)
			s.rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		}
		f := rest[0]
		wait := time.Duration(1000+s.rng.IntN(5000)) * time.Millisecond
		own := rand.New(rand.NewPCG(s.rng.Uint64(), s.rng.Uint64()))
		order := s.rng.Perm(len(s.nodes))
		for drained := false; !drained; {
			select {
			case n := <-over:
				n.busy, n.away = false, false
			default:
				drained = true
			}
		}
		if n := s.victim(f, order); n != nil {
			rest = rest[1:]
			n.busy, n.away = true, f == faultKill || f == faultStop || f == faultDisk
			n.suffers[f]++
			working.Go(func() {
				s.do(ctx, f, n, own)
				over <- n
			})
		}
		pause(ctx, min(wait, time.Until(end)))
	}
}

// victim is the first node in an order to which a fault can happen now.
func (s *soak) victim(f fault, order []int) *soakNode {
	away := 0
	for _, n := range s.nodes {
		if n.away {
			away++
		}
	}
	for _, i := range order {
		n := s.nodes[i]
		switch {
		case n.busy, f == faultDisk && n.disk == "":
		case away >= soakAway && f != faultFlood && f != faultHammer:
		default:
			return n
		}
	}
	return nil
}

func (s *soak) do(ctx context.Context, f fault, n *soakNode, rng *rand.Rand) {
	switch f {
	case faultKill:
		s.crash(ctx, n, rng)
	case faultStop:
		s.say("node %d: SIGSTOP for 30 s", n.index)
		n.signal(syscall.SIGSTOP)
		pause(ctx, 30*time.Second)
		n.signal(syscall.SIGCONT)
	case faultFlood:
		s.flood(ctx, n, time.Duration(4+rng.IntN(7))*time.Second, rng)
	case faultHammer:
		long := time.Duration(4+rng.IntN(7)) * time.Second
		s.say("node %d: admin interface hammered for %v", n.index, long)
		hammer(ctx, n.process, rng.Uint64(), long, &s.hammered)
	case faultDisk:
		s.fillDisk(ctx, n, rng)
	}
}

// crash kills a node and starts it again, now and then twice in a row.
func (s *soak) crash(ctx context.Context, n *soakNode, rng *rand.Rand) {
	down := time.Duration(rng.IntN(20_000)) * time.Millisecond
	s.say("node %d: kill -9, down for %.1f s", n.index, down.Seconds())
	n.kill()
	pause(ctx, down)
	s.restart(n)
	if rng.IntN(3) == 0 { // before it has got anywhere
		pause(ctx, time.Duration(rng.IntN(500))*time.Millisecond)
		n.kill()
		s.restart(n)
	}
	s.answers(ctx, n)
}

func (s *soak) restart(n *soakNode) {
	if err := n.start(); err != nil {
		s.Error(err)
	}
}

// answers waits until a node that was started can be asked.
func (s *soak) answers(ctx context.Context, n *soakNode) {
	_, err := until(ctx, time.Minute, func() error {
		if n.pid() == 0 {
			return errors.New("it does not run")
		}
		_, err := n.status(ctx)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.Errorf("node %d was started and does not answer: %v", n.index, err)
	}
}

// flood sends garbage to a node, and meanwhile asks others what they think of it.
func (s *soak) flood(ctx context.Context, n *soakNode, long time.Duration, rng *rand.Rand) {
	s.say("node %d: garbage flood for %v", n.index, long)
	var peers []protocol.NodeID
	for _, p := range s.nodes {
		if p != n {
			peers = append(peers, p.id)
		}
	}
	asking, enough := context.WithTimeout(ctx, long)
	defer enough()
	var asked sync.WaitGroup
	asked.Go(func() {
		for pause(asking, time.Second); asking.Err() == nil; pause(asking, time.Second) {
			other := s.nodes[rng.IntN(len(s.nodes))]
			if b, err := other.beliefs(asking); err == nil && other != n {
				s.mu.Lock()
				s.lookedAt++
				if b[n.id.String()] == "dead" {
					s.thoughtBad++
				}
				s.mu.Unlock()
			}
		}
	})
	g := garbage{rand.New(rand.NewPCG(rng.Uint64(), 0)), s.garbage.frames, s.garbage.decoders}
	rate := g.flood(ctx, n.listen, n.id, peers, long)
	asked.Wait()
	s.mu.Lock()
	s.rates = append(s.rates, rate)
	s.mu.Unlock()
}

// fillDisk fills a node's disk but for a little, kills and starts the node in
// that state, and later again when there is room.
func (s *soak) fillDisk(ctx context.Context, n *soakNode, rng *rand.Rand) {
	spare := rng.IntN(8) * 4096 // an empty store takes six pages
	filler := filepath.Join(n.disk, "filler")
	if err := fill(filler, spare); err != nil {
		s.Error(err)
	}
	pause(ctx, time.Duration(rng.IntN(5000))*time.Millisecond)
	n.kill()
	s.restart(n)
	s.answers(ctx, n)
	pause(ctx, time.Second)
	st, _ := n.status(ctx)
	store := st.Wrong["store"]
	if store == "" {
		store = "none"
	}
	s.say("node %d: disk full but for %d kB, started again; trouble with the store: %s", n.index, spare>>10, short(store))
	pause(ctx, time.Duration(5+rng.IntN(10))*time.Second)
	if err := os.Remove(filler); err != nil {
		s.Error(err)
	}
	n.kill()
	s.restart(n)
	s.answers(ctx, n)
}

func short(text string) string {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return text[:min(len(text), 90)]
}

// fill writes a file until the disk is full and then cuts it by what is to be spared.
func fill(path string, spare int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	chunk := make([]byte, 4096)
	size := 0
	for {
		n, err := f.Write(chunk)
		size += n
		if errors.Is(err, syscall.ENOSPC) {
			return f.Truncate(int64(max(size-spare, 0)))
		}
		if err != nil {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
}
