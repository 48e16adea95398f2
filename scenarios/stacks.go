package scenarios

import (
	"maps"
	"slices"
)

// otherStacks lists the protocols that are in a stack that the sweep or a
// variant puts in place of the scenario's own. They may be configured beside
// those of the stack.
func (s *Scenario) otherStacks() []string {
	var names []string
	add := func(v any) {
		list, _ := v.([]any)
		for _, name := range list {
			if text, ok := name.(string); ok && !slices.Contains(s.Stack, text) && !slices.Contains(names, text) {
				names = append(names, text)
			}
		}
	}
	for _, v := range s.Variant {
		add(v.Set["stack"])
	}
	for _, a := range s.Sweep.Axes {
		if a.Key == "stack" {
			for _, v := range a.Values {
				add(v)
			}
		}
	}
	return names
}

// standAlone takes out the configurations of protocols that are not in the
// stack.
func (s *Scenario) standAlone() {
	protocols := maps.Clone(s.Protocol)
	maps.DeleteFunc(protocols, func(name string, _ map[string]any) bool { return !slices.Contains(s.Stack, name) })
	s.Protocol = protocols
	if configs, ok := s.tree["protocol"].(map[string]any); ok {
		configs = maps.Clone(configs)
		maps.DeleteFunc(configs, func(name string, _ any) bool { return !slices.Contains(s.Stack, name) })
		s.tree["protocol"] = configs
	}
}
