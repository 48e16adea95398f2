package document

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// Protocol decodes what was written in the table [protocol.<name>] over the
// protocol's defaults, checks it and returns the configuration.
func (d *Document) Protocol(spec protocol.Spec, written map[string]any) any {
	config := spec.NewConfig()
	path := "protocol." + spec.Name
	before := len(d.problems)
	d.Decode(written, config, path)
	if spec.Check != nil && len(d.problems) == before {
		if err := spec.Check(config); err != nil {
			key, message, _ := strings.Cut(err.Error(), ": ")
			d.Problem(path+"."+key, Problem{Message: message})
		}
	}
	return config
}

// Protocols decodes the tables of the protocols in a stack and returns all tables,
// those with every default. Names that the registry does not know are left to
// CheckStack.
func (d *Document) Protocols(r *stack.Registry, names []string, written map[string]map[string]any) map[string]map[string]any {
	filled := map[string]map[string]any{}
	for _, name := range names {
		spec, ok := r.Lookup(name)
		if !ok {
			continue
		}
		if table, ok := asTable(d.Protocol(spec, written[name])); ok {
			filled[name] = table
		}
	}
	//starling:exempt maprange sets the entry of each name, from that entry alone
	for name := range written {
		if _, ok := filled[name]; !ok {
			filled[name] = written[name]
		}
	}
	return filled
}

// asTable turns a configuration into a table with all its values.
func asTable(config any) (map[string]any, bool) {
	text, err := toml.Marshal(config)
	if err != nil {
		return nil, false
	}
	table := map[string]any{}
	return table, toml.Unmarshal(text, &table) == nil
}

// CheckStack checks the key stack and that every table [protocol.<name>] belongs
// to a protocol of the stack, or to one of others, which may be configured as
// well. If there is no other problem, it builds a node for a trial.
func (d *Document) CheckStack(r *stack.Registry, names []string, tables map[string]map[string]any, others []string) {
	known := r.Names()
	for i, name := range names {
		path := fmt.Sprintf("stack[%d]", i)
		if _, ok := r.Lookup(name); !ok {
			d.Problem(path, Problem{Message: fmt.Sprintf("got %q", name), Nearest: Nearest(name, known), Valid: known})
		} else if slices.Contains(names[:i], name) {
			d.Problemf(path, "got %q a second time", name)
		}
	}
	if len(names) == 0 {
		d.Problem("stack", Problem{Message: "got no protocol", Valid: known})
	}
	configurable := slices.Concat(names, others)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if !slices.Contains(configurable, name) && len(names) > 0 {
			d.Problem("protocol."+name, Problem{
				Message: "configures a protocol that is not in the stack", Nearest: Nearest(name, configurable), Valid: slices.Compact(slices.Sorted(slices.Values(configurable))),
			})
		}
	}
	if len(d.problems) == 0 {
		if _, err := NewStack(r, names, tables); err != nil {
			d.Problemf("stack", "%v", err)
		}
	}
}

// NewStack returns the stack of the named protocols, configured by their tables.
func NewStack(r *stack.Registry, names []string, tables map[string]map[string]any) (*stack.Stack, error) {
	d := &Document{}
	configs := map[string]any{}
	for _, name := range names {
		if spec, ok := r.Lookup(name); ok {
			configs[name] = d.Protocol(spec, tables[name])
		}
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return r.New(names, configs)
}

// ProtocolSchemas refines the schema of the key protocol: the tables of the
// registry's protocols.
func ProtocolSchemas(r *stack.Registry) (Schema, error) {
	properties := Schema{}
	for _, name := range r.Names() {
		spec, _ := r.Lookup(name)
		s, err := valueSchema(reflect.ValueOf(spec.NewConfig()).Elem())
		if err != nil {
			return nil, fmt.Errorf("configuration of %s: %w", spec.Name, err)
		}
		s["description"] = spec.Doc
		properties[spec.Name] = s
	}
	return Schema{"properties": properties, "additionalProperties": false}, nil
}

// StackSchema refines the schema of the key stack.
func StackSchema(r *stack.Registry) Schema {
	return Schema{"items": Schema{"enum": r.Names()}, "minItems": 1, "uniqueItems": true}
}
