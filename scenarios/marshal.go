package scenarios

import (
	"fmt"
	"maps"
	"strings"

	"github.com/starling-sim/starling/scenarios/document"
)

// Marshal writes the scenario with every default filled in. Loading that gives
// the same scenario.
func (s *Scenario) Marshal() ([]byte, error) {
	content, err := document.Marshal(s.Content, s.tree)
	if err != nil {
		return nil, fmt.Errorf("write scenario %s: %w", s.Name, err)
	}
	sweep, err := s.Sweep.marshal()
	if err != nil {
		return nil, fmt.Errorf("write scenario %s: %w", s.Name, err)
	}
	return append(content, sweep...), nil
}

// presentation are the keys that have no bearing on what happens: how a run is
// shown and judged.
var presentation = []string{"question", "notes", "plot", "table", "expect"}

// Behaviour returns the scenario without what has no bearing on what happens.
func (s *Scenario) Behaviour() *Scenario {
	out := *s
	out.Question, out.Notes = "", ""
	out.Plot, out.Table, out.Expect = nil, nil, nil
	out.tree = maps.Clone(s.tree)
	for _, key := range presentation {
		delete(out.tree, key)
	}
	return &out
}

// marshal writes the table [sweep], nothing if there is no sweep.
func (s *Sweep) marshal() (string, error) {
	if s.Seeds <= 1 && len(s.Axes) == 0 {
		return "", nil
	}
	var text strings.Builder
	text.WriteString("\n[sweep]\n")
	for _, a := range s.Axes {
		values, err := document.Inline(a.Values)
		if err != nil {
			return "", fmt.Errorf("sweep.%s: %w", a.Key, err)
		}
		fmt.Fprintf(&text, "%s = %s\n", document.Quoted(a.Key), values)
	}
	fmt.Fprintf(&text, "seeds = %d\n", s.Seeds)
	return text.String(), nil
}
