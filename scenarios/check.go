package scenarios

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
)

// check notes all that is wrong with a scenario that could be decoded.
func (d *decoding) check(s *Scenario) {
	d.checkTags(reflect.ValueOf(&s.Content).Elem(), "", s.tree)
	d.checkName(s)
	d.checkStack(s)
	d.checkTimes(s)
	d.checkNodes(s)
	d.checkNetwork(s)
	for i := range s.Fault {
		d.checkFault(s, &s.Fault[i], fmt.Sprintf("fault[%d]", i))
	}
	d.checkChurn(s)
	for i := range s.Workload {
		d.checkWorkload(s, &s.Workload[i], fmt.Sprintf("workload[%d]", i))
	}
	d.checkResults(s)
	d.checkSweep(s)
}

// checkTags checks what the tags required, enum, min and max say. Tree is what
// was written, to tell a missing key from a zero.
func (d *decoding) checkTags(v reflect.Value, path string, tree any) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			d.checkTags(v.Elem(), path, tree)
		}
	case reflect.Slice:
		items, _ := tree.([]any)
		for i := range v.Len() {
			if i < len(items) {
				d.checkTags(v.Index(i), fmt.Sprintf("%s[%d]", path, i), items[i])
			}
		}
	case reflect.Struct:
		table, _ := tree.(map[string]any)
		for _, f := range fields(v.Type()) {
			value := v.FieldByIndex(f.Index)
			if f.Index == nil || !value.IsValid() {
				continue
			}
			written, ok := table[f.key]
			d.checkField(f, value, join(path, f.key), written, ok)
		}
	}
}

func (d *decoding) checkField(f keyed, v reflect.Value, path string, written any, ok bool) {
	if !ok && f.Tag.Get("required") != "" {
		d.problemf(path, "missing: %s", f.Tag.Get("doc"))
		return
	}
	if enum := f.Tag.Get("enum"); enum != "" && v.Kind() == reflect.String && v.String() != "" {
		if valid := strings.Split(enum, ","); !slices.Contains(valid, v.String()) {
			d.problem(path, Problem{Message: fmt.Sprintf("got %q", v.String()), Nearest: nearest(v.String(), valid), Valid: valid})
		}
	}
	if ok {
		d.checkBounds(f, v, path)
	}
	d.checkTags(v, path, written)
}

func (d *decoding) checkBounds(f keyed, v reflect.Value, path string) {
	lowText, highText := f.Tag.Get("min"), f.Tag.Get("max")
	if lowText == "" || !v.CanInt() && !v.CanUint() {
		return
	}
	var n int64
	if v.CanInt() {
		n = v.Int()
	} else {
		n = int64(min(v.Uint(), 1<<62))
	}
	low, _ := strconv.ParseInt(lowText, 10, 64)
	high, _ := strconv.ParseInt(highText, 10, 64)
	if n < low || n > high {
		d.problemf(path, "got %d, want %d to %d", n, low, high)
	}
}

func (d *decoding) checkName(s *Scenario) {
	for _, r := range s.Name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.", r) {
			d.problemf("name", "got %q, want letters, digits, '-', '_', '.' and '/'", s.Name)
			return
		}
	}
	if strings.Contains(s.Name, "..") || strings.HasPrefix(s.Name, "/") {
		d.problemf("name", "got %q, want a name that does not begin with '/' or contain '..'", s.Name)
	}
	if s.Seed > 1<<63-1 {
		d.problemf("seed", "got %d, want at most %d", s.Seed, uint64(1<<63-1))
	}
}

func (d *decoding) checkStack(s *Scenario) {
	names := s.env.Registry.Names()
	for i, name := range s.Stack {
		if _, ok := s.env.Registry.Lookup(name); !ok {
			d.problem(fmt.Sprintf("stack[%d]", i), Problem{Message: fmt.Sprintf("got %q", name), Nearest: nearest(name, names), Valid: names})
		}
	}
	keys := make([]string, 0, len(s.Protocol))
	for name := range s.Protocol {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	for _, name := range keys {
		if !slices.Contains(s.Stack, name) {
			d.problem("protocol."+name, Problem{
				Message: "configures a protocol that is not in the stack", Nearest: nearest(name, s.Stack), Valid: s.Stack,
			})
		}
	}
	if len(d.problems) == 0 {
		if _, err := s.newStack(); err != nil {
			d.problemf("stack", "%v", err)
		}
	}
}

func (d *decoding) checkTimes(s *Scenario) {
	if s.Duration == 0 && hasKeyAt(s.tree, "duration") {
		d.problemf("duration", "got 0s, want more")
	}
	if s.Measure.SampleInterval <= 0 {
		d.problemf("measure.sample_interval", "got %s, want more than 0s", s.Measure.SampleInterval)
	}
	d.within(s, "measure.warm_up", s.Measure.WarmUp)
}

func hasKeyAt(tree map[string]any, key string) bool {
	_, ok := tree[key]
	return ok
}

// within demands that a time lies within the run.
func (d *decoding) within(s *Scenario, path string, t quantity.Duration) {
	if t > s.Duration && s.Duration > 0 {
		d.problemf(path, "got %s, want at most the duration of the run, %s", t, s.Duration)
	}
}

func (d *decoding) checkNodes(s *Scenario) {
	if total := s.Nodes.Count + s.Nodes.Spare; total > maxNodes {
		d.problemf("nodes.spare", "got %d nodes with the spare ones, want at most %d", total, maxNodes)
	}
	if s.Nodes.Join.Mode == "staggered" {
		d.within(s, "nodes.join.over", s.Nodes.Join.Over)
	}
}

const maxNodes = 1 << 30

func (d *decoding) checkNetwork(s *Scenario) {
	before := len(d.problems)
	d.checkLatency(s)
	d.checkLoss(s)
	if before != len(d.problems) || len(d.problems) > 0 || s.Nodes.Count < 1 {
		return // the rest would be consequences
	}
	if _, err := s.network(); err != nil {
		d.problemf("network", "%v", err)
	}
}

// allowed demands that of the keys of a table only those that its model takes
// are written.
func (d *decoding) allowed(path string, table any, model string, keys ...string) {
	written, _ := table.(map[string]any)
	var names []string
	for key := range written {
		names = append(names, key)
	}
	slices.Sort(names)
	for _, key := range names {
		if !slices.Contains(keys, key) {
			d.problem(path+"."+key, Problem{Message: fmt.Sprintf("%q does not take this", model), Nearest: nearest(key, keys), Valid: keys})
		}
	}
}

// subtree returns what was written at a dotted path with indices.
func subtree(tree any, path string) any {
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

var latencyKeys = map[string][]string{
	"constant":  {"model", "delay"},
	"uniform":   {"model", "min", "max"},
	"normal":    {"model", "mean", "std_dev", "min", "max"},
	"lognormal": {"model", "median", "p90", "min", "max"},
	"regions":   {"model", "data", "jitter"},
	"pairs":     {"model", "data", "jitter"},
}

func (d *decoding) checkLatency(s *Scenario) {
	l := s.Network.Latency
	if keys, ok := latencyKeys[l.Model]; ok {
		d.allowed("network.latency", subtree(s.tree, "network.latency"), l.Model, keys...)
	} else if l.Model == "" {
		d.problem("network.latency", Problem{Message: "missing key model", Valid: strings.Split("constant,uniform,normal,lognormal,regions,pairs", ",")})
	}
	if l.Model == "uniform" && l.Min > l.Max {
		d.problemf("network.latency.min", "got %s, want at most max, %s", l.Min, l.Max)
	}
}

var lossKeys = map[string][]string{
	"none":            {"model"},
	"independent":     {"model", "probability"},
	"gilbert-elliott": {"model", "mean_good", "mean_bad", "loss_good", "loss_bad"},
}

func (d *decoding) checkLoss(s *Scenario) {
	l := s.Network.Loss
	if valid, ok := lossKeys[l.Model]; ok {
		d.allowed("network.loss", subtree(s.tree, "network.loss"), l.Model, valid...)
	}
}

var (
	targetKeys = []string{"count", "share", "nodes", "region"}
	faultKeys  = map[string][]string{
		"crash":     {"mode"},
		"restart":   {},
		"leave":     {},
		"join":      {},
		"pause":     {"for", "model", "service_time"},
		"anomaly":   {"for", "run", "until", "model", "service_time"},
		"partition": {"for", "direction"},
		"loss":      {"for", "direction", "probability"},
		"delay":     {"for", "direction", "delay", "jitter"},
		"duplicate": {"for", "direction", "probability"},
		"reorder":   {"for", "direction", "probability", "delay"},
		"corrupt":   {"for", "direction", "probability"},
		"bandwidth": {"for", "direction", "rate", "queue"},
		"clock":     {"step", "back", "drift_ppm"},
		"disk":      {"for", "probability", "delay", "full"},
	}
	faultNeeds = map[string][]string{
		"anomaly": {"for", "run"}, "loss": {"probability"}, "delay": {"delay"}, "duplicate": {"probability"},
		"reorder": {"probability", "delay"}, "corrupt": {"probability"}, "bandwidth": {"rate"},
	}
)

func (d *decoding) checkFault(s *Scenario, f *Fault, path string) {
	valid, ok := faultKeys[f.Kind]
	if !ok {
		return // the enum says so
	}
	written := subtree(s.tree, path)
	keys := append([]string{"at", "kind", "every", "times"}, targetKeys...)
	d.allowed(path, written, f.Kind, append(keys, valid...)...)
	table, _ := written.(map[string]any)
	for _, key := range faultNeeds[f.Kind] {
		if _, ok := table[key]; !ok {
			d.problemf(path+"."+key, "missing: a fault of kind %q needs it", f.Kind)
		}
	}
	d.checkTarget(s, f, path, table)
	d.within(s, path+".at", f.At)
	if f.Times > 0 && f.Every <= 0 {
		d.problemf(path+".times", "got %d without every", f.Times)
	}
	if f.Every > 0 && f.For > f.Every && f.Kind != "anomaly" {
		d.problemf(path+".for", "got %s, want at most every, %s", f.For, f.Every)
	}
	if f.Model == "slow" && f.Service <= 0 {
		d.problemf(path+".service_time", "missing: model \"slow\" needs it")
	}
	if f.Kind == "anomaly" && (f.For <= 0 || f.Run <= 0) && len(d.problems) == 0 {
		d.problemf(path, "got for = %s and run = %s, want both more than 0s", f.For, f.Run)
	}
}

func (d *decoding) checkTarget(s *Scenario, f *Fault, path string, table map[string]any) {
	named := 0
	for _, key := range targetKeys {
		if _, ok := table[key]; ok {
			named++
		}
	}
	switch {
	case named == 0:
		d.problem(path, Problem{Message: "who it happens to is missing", Valid: targetKeys})
	case named > 1:
		d.problemf(path, "got %d ways to say who it happens to, want one of %s", named, strings.Join(targetKeys, ", "))
	}
	d.checkTargetRegions(s, f, path)
	total := s.Nodes.Count + s.Nodes.Spare
	if s.Nodes.Count < 1 || s.Nodes.Spare < 0 {
		return // the rest would be consequences
	}
	for i, n := range f.Nodes {
		if n < 0 || n >= total {
			d.problemf(fmt.Sprintf("%s.nodes[%d]", path, i), "got %d, want 0 to %d", n, total-1)
		}
	}
	if f.Count > total {
		d.problemf(path+".count", "got %d, want at most the number of nodes, %d", f.Count, total)
	}
	if _, ok := table["share"]; ok && f.Share.Of(s.Nodes.Count) == 0 {
		d.problemf(path+".share", "got %s of %d nodes, which is none", f.Share, s.Nodes.Count)
	}
}

func (d *decoding) checkTargetRegions(s *Scenario, f *Fault, path string) {
	regions := s.regionNames()
	for i, name := range f.Region {
		if !slices.Contains(regions, name) {
			p := Problem{Message: fmt.Sprintf("unknown region %q", name), Nearest: nearest(name, regions), Valid: regions}
			if len(regions) == 0 {
				p.Message += "; this scenario has no regions"
			}
			d.problem(fmt.Sprintf("%s.region[%d]", path, i), p)
		}
	}
}

func (d *decoding) checkChurn(s *Scenario) {
	c := s.Churn
	if c == nil {
		return
	}
	ways := 0
	for _, given := range []bool{c.Session != nil, !c.Share.IsZero(), c.Trace != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		d.problemf("churn", "got %d of session, share and trace, want one", ways)
	}
	if !c.Share.IsZero() && c.Period <= 0 {
		d.problemf("churn.period", "missing: share needs it")
	}
	d.within(s, "churn.from", c.From)
	d.within(s, "churn.until", c.Until)
	if c.Session != nil {
		d.checkDistribution(c.Session, "churn.session")
	}
	d.checkDistribution(&c.Downtime, "churn.downtime")
	if c.Trace != "" {
		if _, err := s.churnTrace(); err != nil {
			d.problemf("churn.trace", "%v", err)
		}
	}
}

func (d *decoding) checkDistribution(x *Distribution, path string) {
	switch x.Model {
	case "constant", "exponential":
		if x.Mean <= 0 {
			d.problemf(path+".mean", "got %s, want more than 0s", x.Mean)
		}
		if x.Scale != 0 || x.Shape != 0 {
			d.problemf(path, "model %q takes mean, not scale and shape", x.Model)
		}
	case "weibull", "pareto":
		if x.Scale <= 0 {
			d.problemf(path+".scale", "got %s, want more than 0s", x.Scale)
		}
		if low := x.leastShape(); x.milliShape() < low || x.milliShape() > maxMilliShape {
			d.problemf(path+".shape", "got %g, want %g to %g", x.Shape, float64(low)/1000, float64(maxMilliShape)/1000)
		}
		if x.Mean != 0 {
			d.problemf(path+".mean", "model %q takes scale and shape", x.Model)
		}
	}
}

func (d *decoding) checkWorkload(s *Scenario, w *Workload, path string) {
	var names []string
	for _, name := range s.Stack {
		if spec, ok := s.env.Registry.Lookup(name); ok {
			for _, c := range spec.Commands {
				names = append(names, c.Name)
			}
		}
	}
	if !slices.Contains(names, w.Command) && w.Command != "" {
		d.problem(path+".command", Problem{Message: fmt.Sprintf("got %q", w.Command), Nearest: nearest(w.Command, names), Valid: names})
	}
	if w.Rate.Interval() <= 0 {
		d.problemf(path+".rate", "got %s, want more", w.Rate)
	}
	if w.Senders > s.Nodes.Count && s.Nodes.Count > 0 {
		d.problemf(path+".senders", "got %d, want at most the number of nodes, %d", w.Senders, s.Nodes.Count)
	}
	if w.Size > 1<<20 {
		d.problemf(path+".size", "got %s, want at most 1MiB", w.Size)
	}
	d.within(s, path+".from", w.From)
	d.within(s, path+".until", w.Until)
}

// command returns the kind of a command by name.
func (s *Scenario) command(name string) (protocol.CommandKind, bool) {
	for _, p := range s.Stack {
		spec, _ := s.env.Registry.Lookup(p)
		for _, c := range spec.Commands {
			if c.Name == name {
				return c.Kind, true
			}
		}
	}
	return 0, false
}

func (d *decoding) metric(s *Scenario, path, name, use string) {
	if s.env.Metric == nil || name == "" {
		return
	}
	if near, ok := s.env.Metric(name, use); !ok {
		what := map[string]string{"value": "metric", "series": "metric with a time series", "distribution": "metric with samples"}[use]
		d.problem(path, Problem{Message: fmt.Sprintf("got %q, which is no %s; simrun metrics lists them", name, what), Nearest: near})
	}
}

func (d *decoding) checkResults(s *Scenario) {
	keys := s.sweptKeys()
	seen := map[string]bool{}
	for i, p := range s.Plot {
		path := fmt.Sprintf("plot[%d]", i)
		if seen[p.Name] {
			d.problemf(path+".name", "got %q, which another plot has", p.Name)
		}
		seen[p.Name] = true
		use := map[string]string{"series": "series", "sweep": "value", "distribution": "distribution"}[p.Kind]
		for k, m := range p.Metrics {
			d.metric(s, fmt.Sprintf("%s.metrics[%d]", path, k), m, use)
		}
		if len(p.Metrics) == 0 {
			d.problemf(path+".metrics", "got none, want at least one")
		}
		if p.Kind == "sweep" {
			d.sweptKey(path+".x", p.X, keys)
		}
		if p.By != "" {
			d.sweptKey(path+".by", p.By, keys)
		}
		d.checkWhere(s, path, p.Where)
	}
	for i, t := range s.Table {
		path := fmt.Sprintf("table[%d]", i)
		d.sweptKey(path+".rows", t.Rows, keys)
		d.checkWhere(s, path, t.Where)
		for k, c := range t.Columns {
			d.metric(s, fmt.Sprintf("%s.columns[%d].metric", path, k), c.Metric, "value")
		}
	}
	for i, e := range s.Expect {
		path := fmt.Sprintf("expect[%d]", i)
		d.metric(s, path+".metric", e.Metric, "value")
		if e.Min == nil && e.Max == nil && e.Equal == nil {
			d.problem(path, Problem{Message: "expects nothing", Valid: []string{"min", "max", "equal"}})
		}
		d.checkWhere(s, path, e.Where)
	}
}

// checkWhere checks a filter of runs: keys that the sweep varies, and values that
// they take.
func (d *decoding) checkWhere(s *Scenario, path string, where map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(where)) {
		at := path + ".where." + key
		before := len(d.problems)
		d.sweptKey(at, key, s.sweptKeys())
		if before != len(d.problems) {
			continue
		}
		values, text := s.sweptValues(key), valueText(where[key])
		if !slices.Contains(values, text) {
			d.problem(at, Problem{Message: fmt.Sprintf("got %q, which the sweep does not take", text), Nearest: nearest(text, values), Valid: values})
		}
	}
}

// sweptValues lists the values that the sweep gives a key, as text.
func (s *Scenario) sweptValues(key string) []string {
	var values []string
	if key == variantKey {
		for _, v := range s.Variant {
			values = append(values, v.Name)
		}
	}
	for _, a := range s.Sweep.Axes {
		if a.Key == key {
			for _, v := range a.Values {
				values = append(values, valueText(v))
			}
		}
	}
	return values
}

// sweptKeys lists the keys that the sweep varies.
func (s *Scenario) sweptKeys() []string {
	var keys []string
	for _, a := range s.Sweep.Axes {
		keys = append(keys, a.Key)
	}
	if len(s.Variant) > 0 {
		keys = append(keys, variantKey)
	}
	return keys
}

// variantKey is the name of the dimension that variants span.
const variantKey = "variant"

func (d *decoding) sweptKey(path, key string, keys []string) {
	if !slices.Contains(keys, key) {
		p := Problem{Message: fmt.Sprintf("got %q, which the sweep does not vary", key), Nearest: nearest(key, keys), Valid: keys}
		d.problem(path, p)
	}
}

// checkSweep tries every value of the sweep by itself, and every variant.
func (d *decoding) checkSweep(s *Scenario) {
	if len(d.problems) > 0 {
		return
	}
	runs := s.Sweep.Seeds
	for _, a := range s.Sweep.Axes {
		for k, v := range a.Values {
			d.try(s, map[string]any{a.Key: v}, fmt.Sprintf("sweep.%s[%d]", a.Key, k))
		}
		if runs *= len(a.Values); runs > maxRuns {
			d.problemf("sweep", "got more than %d runs", maxRuns)
			return
		}
	}
	seen := map[string]bool{}
	for i, v := range s.Variant {
		path := fmt.Sprintf("variant[%d]", i)
		if seen[v.Name] {
			d.problemf(path+".name", "got %q, which another variant has", v.Name)
		}
		seen[v.Name] = true
		d.try(s, flatten(v.Set), path+".set")
	}
}

// try notes what is wrong with a scenario under overrides, at the place of the
// overrides.
func (d *decoding) try(s *Scenario, overrides map[string]any, path string) {
	_, problems := s.with(overrides)
	for _, p := range problems {
		at := d.at.at(path)
		if d.at == nil {
			at = position{}
		}
		p.File, p.Line, p.Column = d.file, at.line, at.column
		d.problems = append(d.problems, p)
	}
}
