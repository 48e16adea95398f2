package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/protocol"
)

// seeds are the nodes that this one was told to start from. Who a seed is has to
// be found out: its name be looked up and, in a tunnel, the node there be asked.
// Nodes that are founded together and miss each other at first would each be alone
// for good; therefore seeds that are no live members are looked for as long as that
// is so.
//
// To the protocols, a seed that is not found is one that does not answer: a node
// without a contact, which nobody else has ever heard of. So they do what they do
// about such seeds, and try again. If they were told of none, each would hold
// itself for the first of all and be content: two founded islands of eight nodes,
// of which one is told of a seed on the other five minutes later, keep two overlays
// in four cases of five (package node's TestIslandsMeetThroughALateSeed, without
// that).
type seeds struct {
	self protocol.NodeID
	log  *slog.Logger
	// find finds out who a seed is. An error may pass.
	find func(ctx context.Context, text string) (protocol.Peer, error)
	// longest is the longest pause between two attempts.
	longest time.Duration

	changed chan struct{} // there are others; has room for one

	mu    sync.Mutex
	texts []string                 // as they were configured
	found map[string]protocol.Peer // by text, this node itself too
	tell  func([]protocol.Peer) error
	told  []protocol.Peer
	cause string // why some were not found, as it was logged last
}

func newSeeds(self protocol.NodeID, longest time.Duration, log *slog.Logger, find func(context.Context, string) (protocol.Peer, error)) *seeds {
	return &seeds{self: self, log: log, find: find, longest: longest, changed: make(chan struct{}, 1), found: map[string]protocol.Peer{}}
}

const (
	// askTime is how long seeds are given to answer at a time.
	askTime = 5 * time.Second
	// othersPatience is how long the others are waited for when one has answered.
	othersPatience = 2 * time.Second
)

// shortest is the pause after the first attempt.
func (s *seeds) shortest() time.Duration { return s.longest / 60 }

// set replaces the seeds.
func (s *seeds) set(texts []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = slices.Clone(texts)
	for text := range s.found {
		if !slices.Contains(texts, text) {
			delete(s.found, text)
		}
	}
	if s.tell != nil { // else nobody waits
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return s.pass()
}

// onFound has f told of the seeds that are found, whenever they are others.
func (s *seeds) onFound(f func([]protocol.Peer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell, s.told = f, nil
	return s.pass()
}

// pass tells of the seeds if they are others than before. The caller holds mu.
func (s *seeds) pass() error {
	peers := s.peers()
	same := slices.EqualFunc(peers, s.told, func(a, b protocol.Peer) bool { return a.ID == b.ID && string(a.Contact) == string(b.Contact) })
	if s.tell == nil || same {
		return nil
	}
	s.told = peers
	return s.tell(peers)
}

// peers are what protocols are told of, in the order of the list, this node left
// out.
func (s *seeds) peers() []protocol.Peer {
	var peers []protocol.Peer
	for _, text := range s.texts {
		p, ok := s.found[text]
		if !ok {
			p = unfound(text)
		}
		if p.ID != s.self && !slices.ContainsFunc(peers, func(o protocol.Peer) bool { return o.ID == p.ID }) {
			peers = append(peers, p)
		}
	}
	return peers
}

// unfound stands for a seed of which it is not known who it is.
func unfound(text string) protocol.Peer {
	sum := sha256.Sum256([]byte("starling unfound seed v1 " + text))
	return protocol.Peer{ID: protocol.NodeID(max(binary.BigEndian.Uint64(sum[:8]), 1))} // zero names nobody
}

// knownContacts are a network's, to which seeds without a contact are no news.
type knownContacts struct{ transport.Network }

func (c knownContacts) Introduce(id protocol.NodeID, contact []byte) error {
	if len(contact) == 0 {
		return nil
	}
	return c.Network.Introduce(id, contact)
}

// first tells that there is no seed but, perhaps, this node itself.
func (s *seeds) first() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.texts, func(text string) bool { return s.found[text].ID != s.self })
}

// begin looks for seeds until one other than this node is found, or for as long
// as patience. The error is the context's, or why no seed at all was found.
func (s *seeds) begin(ctx context.Context, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := s.shortest(); ; pause = min(2*pause, s.longest) {
		err := s.ask(limited, func(protocol.NodeID) bool { return true }, patience)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.first() || s.any() {
			return nil
		}
		s.complain(err)
		if s.wait(limited, pause) == ended {
			return s.none(err)
		}
	}
}

// none returns why no seed at all was found, nil if this node itself was.
func (s *seeds) none(why error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) > 0 {
		return nil
	}
	if why == nil {
		why = errors.New("there was no time to look for seeds")
	}
	return why
}

// any tells that a seed was found other than this node.
func (s *seeds) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.found {
		if p.ID != s.self {
			return true
		}
	}
	return false
}

// watch looks for seeds that are not found or no live members, again and again
// with growing pauses, until the context ends. Present returns what tells whether
// a node is one.
func (s *seeds) watch(ctx context.Context, present func(context.Context) (func(protocol.NodeID) bool, error)) error {
	pause := s.shortest()
	for {
		here, err := present(ctx)
		if err != nil {
			return nil // the node has ended
		}
		next := s.longest
		if s.lacks(here) {
			err = s.ask(ctx, here, askTime)
			next, pause = pause, min(2*pause, s.longest)
		} else {
			pause = s.shortest()
		}
		if ctx.Err() != nil {
			return nil
		}
		s.complain(err)
		switch s.wait(ctx, next) {
		case ended:
			return nil
		case renewed:
			pause = s.shortest()
		case waited:
		}
	}
}

// outcome is what came first.
type outcome int

const (
	waited  outcome = iota // for all of the time
	renewed                // there are other seeds
	ended                  // the context is done
)

func (s *seeds) wait(ctx context.Context, d time.Duration) outcome {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return waited
	case <-s.changed:
		return renewed
	case <-ctx.Done():
		return ended
	}
}

// lacks tells whether there is a seed that is not known to be there.
func (s *seeds) lacks(here func(protocol.NodeID) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.missing(here)) > 0
}

// missing are the seeds to look for. The caller holds mu.
func (s *seeds) missing(here func(protocol.NodeID) bool) []string {
	var texts []string
	for _, text := range s.texts {
		if p, ok := s.found[text]; !ok || p.ID != s.self && !here(p.ID) {
			texts = append(texts, text)
		}
	}
	return texts
}

// answer is what came of looking for a seed.
type answer struct {
	text string
	peer protocol.Peer
	err  error
}

// ask looks for all missing seeds at once. The error is why some were not found.
func (s *seeds) ask(ctx context.Context, here func(protocol.NodeID) bool, patience time.Duration) error {
	s.mu.Lock()
	texts := s.missing(here)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers := make(chan answer, len(texts))
	for _, text := range texts {
		go func() {
			p, err := s.find(ctx, text)
			answers <- answer{text, p, err}
		}()
	}
	var errs []error
	for range texts {
		a := <-answers
		switch {
		case a.err != nil:
			errs = append(errs, a.err)
			continue
		case a.peer.ID != s.self:
			defer time.AfterFunc(othersPatience, cancel).Stop()
		}
		if err := s.note(a); err != nil {
			errs = append(errs, err)
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// note takes down who a seed is.
func (s *seeds) note(a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.texts, a.text) {
		return nil // not any more
	}
	if before, ok := s.found[a.text]; (!ok || before.ID != a.peer.ID) && a.peer.ID != s.self {
		s.log.Info("found a seed", "node", a.peer.ID)
	}
	s.found[a.text] = a.peer
	if err := s.pass(); err != nil {
		return fmt.Errorf("start from %v: %w", a.peer.ID, err)
	}
	return nil
}

// complain logs why seeds were not found, once for each cause.
func (s *seeds) complain(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cause := ""
	if err != nil {
		cause = err.Error()
	}
	if cause != "" && cause != s.cause {
		s.log.Warn("not all seeds were found; the node goes on looking for them", "error", cause)
	}
	s.cause = cause
}
