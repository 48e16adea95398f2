package scenarios

import (
	"reflect"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

// defaults returns what holds where a scenario says nothing and the default does
// not depend on what it says elsewhere.
func defaults() Content {
	return Content{
		Seed: 1,
		Wire: "values",
		Nodes: Nodes{
			Join: Join{Mode: "converged", Over: quantity.Duration(10 * time.Second), Seeds: 3, Contacts: "first"},
		},
		Network: Network{
			Latency:   Latency{},
			Loss:      Loss{Model: "none"},
			Placement: "blocks",
			MTU:       netmodel.DefaultMTU,
			Header:    netmodel.DefaultHeader,

			StreamTimeout: quantity.Duration(sim.DefaultStreamTimeout),
			StreamIdle:    quantity.Duration(sim.DefaultStreamIdle),
		},
		Measure: Measure{SampleInterval: quantity.Duration(time.Second), BroadcastWindow: quantity.Duration(30 * time.Second)},
	}
}

// fill fills in the defaults that depend on the rest, as deep as they go.
func (d *decoding) fill(s *Scenario) {
	if s.Network.Latency == (Latency{}) {
		s.Network.Latency = Latency{Model: "uniform", Min: quantity.Duration(10 * time.Millisecond), Max: quantity.Duration(100 * time.Millisecond)}
	}
	for i := range s.Fault {
		s.Fault[i].fill()
	}
	if c := s.Churn; c != nil {
		fillText(&c.Departure, "crash")
		fillText(&c.Downtime.Model, "exponential")
		if c.Downtime.Model == "exponential" && c.Downtime.Mean == 0 {
			c.Downtime.Mean = quantity.Duration(time.Minute)
		}
	}
	for i := range s.Workload {
		fillText(&s.Workload[i].Arrival, "poisson")
	}
	for i := range s.Expect {
		fillText(&s.Expect[i].Statistic, "every")
	}
	d.fillProtocols(s)
}

func fillText(at *string, text string) {
	if *at == "" {
		*at = text
	}
}

func (f *Fault) fill() {
	switch f.Kind {
	case "crash":
		fillText(&f.Mode, "host")
	case "pause", "anomaly":
		fillText(&f.Model, "frozen")
	case "partition", "loss", "bursts", "delay", "duplicate", "reorder", "corrupt", "bandwidth":
		fillText(&f.Direction, "both")
	}
}

// fillProtocols decodes the configurations of the stack's protocols and puts
// them back with every default.
func (d *decoding) fillProtocols(s *Scenario) {
	filled := map[string]map[string]any{}
	for _, name := range s.Stack {
		spec, ok := s.env.Registry.Lookup(name)
		if !ok {
			continue // the check says so
		}
		config := d.protocolConfig(s, spec)
		if table, ok := toTable(config); ok {
			filled[name] = table
		}
	}
	//starling:exempt maprange sets the entry of each name, from that entry alone
	for name := range s.Protocol {
		if _, ok := filled[name]; !ok {
			filled[name] = s.Protocol[name]
		}
	}
	s.Protocol = filled
}

// protocolConfig decodes the table [protocol.<name>] over the defaults.
func (d *decoding) protocolConfig(s *Scenario, spec protocol.Spec) any {
	config := spec.NewConfig()
	written := s.Protocol[spec.Name]
	table := make(map[string]any, len(written)+1)
	for key, value := range written {
		table[key] = value
	}
	if _, ok := table["bootstrap"]; !ok && s.Nodes.Join.Mode == "converged" && hasKey(config, "bootstrap") {
		table["bootstrap"] = "seeds_are_members"
	}
	path := "protocol." + spec.Name
	before := len(d.problems)
	d.decodeTable(table, config, path)
	if spec.Check != nil && len(d.problems) == before {
		if err := spec.Check(config); err != nil {
			key, message, _ := strings.Cut(err.Error(), ": ")
			d.problem(path+"."+key, Problem{Message: message})
		}
	}
	return config
}

func hasKey(config any, key string) bool {
	t := element(reflect.TypeOf(config))
	if t.Kind() != reflect.Struct {
		return false
	}
	_, ok := field(t, key)
	return ok
}

// toTable turns a configuration into a table with all its values.
func toTable(config any) (map[string]any, bool) {
	text, err := toml.Marshal(config)
	if err != nil {
		return nil, false
	}
	table := map[string]any{}
	return table, toml.Unmarshal(text, &table) == nil
}
