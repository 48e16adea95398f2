package scenarios

import "slices"

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
	protocols, written := map[string]map[string]any{}, map[string]any{}
	configs, _ := s.tree["protocol"].(map[string]any)
	for _, name := range s.Stack {
		if config, ok := s.Protocol[name]; ok {
			protocols[name] = config
		}
		if config, ok := configs[name]; ok {
			written[name] = config
		}
	}
	s.Protocol = protocols
	if configs != nil {
		s.tree["protocol"] = written
	}
}
