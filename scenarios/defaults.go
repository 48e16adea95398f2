package scenarios

import (
	"maps"
	"reflect"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
	"github.com/starling-sim/starling/sim"
)

// defaults returns what holds where a scenario says nothing and the default does
// not depend on what it says elsewhere.
func defaults() Content {
	return Content{
		Seed: 1,
		Wire: "values", Store: "memory", In: WorldVirtual,
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
		s.Workload[i].fill()
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

func (w *Workload) fill() {
	fillText(&w.Arrival, "poisson")
	if w.Read != "" {
		fillText(&w.ReadAt, "other")
	}
	if w.Keys == nil {
		return
	}
	fillText(&w.Keys.Model, "uniform")
	fillText(&w.Keys.Prefix, "k")
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
	s.Protocol = d.Protocols(s.env.Registry, s.Stack, s.bootstrapped())
}

// bootstrapped returns the tables of the protocols. In a converged start those
// that know the key bootstrap are told that everybody is a member, unless the
// scenario says otherwise.
func (s *Scenario) bootstrapped() map[string]map[string]any {
	tables := maps.Clone(s.Protocol)
	if tables == nil {
		tables = map[string]map[string]any{}
	}
	for _, name := range s.Stack {
		spec, ok := s.env.Registry.Lookup(name)
		if !ok || s.Nodes.Join.Mode != "converged" || !hasKey(spec.NewConfig(), "bootstrap") || document.HasKey(tables[name], "bootstrap") {
			continue
		}
		table := maps.Clone(tables[name])
		if table == nil {
			table = map[string]any{}
		}
		table["bootstrap"] = "seeds_are_members"
		tables[name] = table
	}
	return tables
}

func hasKey(config any, key string) bool {
	t := reflect.TypeOf(config)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	_, ok := document.FieldOf(t, key)
	return ok
}
