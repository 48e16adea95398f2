package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
)

// Schema returns the JSON Schema (draft 2020-12) of configurations whose stacks
// are made of the registry's protocols. What depends on several keys at once it
// does not say.
func Schema(r *stack.Registry) ([]byte, error) {
	root, err := document.StructSchema(defaults())
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	protocols, err := document.ProtocolSchemas(r)
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Starling node"
	root["description"] = "Configuration of a real node."
	document.Refine(document.Property(root, "protocol"), protocols)
	document.Refine(document.Property(root, "stack"), document.StackSchema(r))
	for _, k := range Keys(r) {
		if k.Reload {
			p := document.Property(root, strings.Split(k.Path, ".")...)
			p["description"] = fmt.Sprintf("%s. Changes take effect on SIGHUP.", p["description"])
		}
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}
