package lab

import (
	"cmp"
	"slices"

	"github.com/starling-sim/starling/netmodel"
)

// Apply puts a rule in force, from the next message on. Processes whose rules
// are to act as one, and one that is started again, need the same Rule.Stream:
// without one, what the rule draws depends on how many were applied before.
func (s *Shim) Apply(r netmodel.Rule) (netmodel.RuleID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := s.cfg.Model.Apply(r)
	if err != nil {
		return 0, err // says what was being done
	}
	s.rules[id] = r
	s.silencing(r, 1)
	return id, nil
}

// Remove ends a rule.
func (s *Shim) Remove(id netmodel.RuleID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cfg.Model.Remove(id); err != nil {
		return err
	}
	s.silencing(s.rules[id], -1)
	delete(s.rules, id)
	return nil
}

// RuleInForce is a rule and its name.
type RuleInForce struct {
	ID   netmodel.RuleID
	Rule netmodel.Rule
}

// Rules lists the rules that Apply has put in force, oldest first.
func (s *Shim) Rules() []RuleInForce {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]RuleInForce, 0, len(s.rules))
	for id, r := range s.rules {
		list = append(list, RuleInForce{id, r})
	}
	slices.SortFunc(list, func(a, b RuleInForce) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
