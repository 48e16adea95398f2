package scenarios

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
)

// check notes all that is wrong with a scenario that could be decoded, as far as
// it is not a consequence of what is known to be wrong.
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
			written, ok := table[f.key]
			d.checkField(f, v.FieldByIndex(f.Index), join(path, f.key), written, ok)
		}
	}
}

func (d *decoding) checkField(f keyed, v reflect.Value, path string, written any, ok bool) {
	if !ok && f.Tag.Get("required") != "" {
		d.problemf(path, "missing: %s", f.Tag.Get("doc"))
		return
	}
	if enum := f.Tag.Get("enum"); enum != "" && ok && v.Kind() == reflect.String {
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

var (
	scenarioName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)
	fileName     = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
)

func (d *decoding) checkName(s *Scenario) {
	if hasKeyAt(s.tree, "name") && !scenarioName.MatchString(s.Name) {
		d.problemf("name", "got %q, want letters, digits, '-', '_' and '.', in parts that '/' separates", s.Name)
	}
}

// checkFileName checks the name of a plot or table.
func (d *decoding) checkFileName(path, name string, taken map[string]bool) {
	switch {
	case taken[name]:
		d.problemf(path, "got %q, which another one has", name)
	case name != "" && !fileName.MatchString(name):
		d.problemf(path, "got %q, want letters, digits, '-', '_' and '.': it names a file", name)
	}
	taken[name] = true
}

func (d *decoding) checkStack(s *Scenario) {
	names := s.env.Registry.Names()
	for i, name := range s.Stack {
		path := fmt.Sprintf("stack[%d]", i)
		if _, ok := s.env.Registry.Lookup(name); !ok {
			d.problem(path, Problem{Message: fmt.Sprintf("got %q", name), Nearest: nearest(name, names), Valid: names})
		} else if slices.Contains(s.Stack[:i], name) {
			d.problemf(path, "got %q a second time", name)
		}
	}
	if len(s.Stack) == 0 && hasKeyAt(s.tree, "stack") {
		d.problem("stack", Problem{Message: "got no protocol", Valid: names})
	}
	configurable := slices.Concat(s.Stack, s.otherStacks(), d.stacked)
	for _, name := range slices.Sorted(maps.Keys(s.Protocol)) {
		if !slices.Contains(configurable, name) && len(s.Stack) > 0 {
			d.problem("protocol."+name, Problem{
				Message: "configures a protocol that is not in the stack", Nearest: nearest(name, configurable), Valid: slices.Compact(slices.Sorted(slices.Values(configurable))),
			})
		}
	}
	if len(d.problems) == 0 {
		if _, err := s.newStack(); err != nil {
			d.problemf("stack", "%v", err)
		}
	}
}

// maxDuration bounds a run: a century, so that times in a run can be added.
const maxDuration = 100 * 365 * 24 * time.Hour

func (d *decoding) checkTimes(s *Scenario) {
	if s.Duration == 0 && hasKeyAt(s.tree, "duration") {
		d.problemf("duration", "got 0s, want more")
	}
	if s.Duration.Std() > maxDuration {
		d.problemf("duration", "got %s, want at most a century", s.Duration)
	}
	if s.Measure.SampleInterval <= 0 {
		d.problemf("measure.sample_interval", "got %s, want more than 0s", s.Measure.SampleInterval)
	}
	if s.Measure.BroadcastWindow <= 0 {
		d.problemf("measure.broadcast_window", "got %s, want more than 0s", s.Measure.BroadcastWindow)
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

// span demands that the keys from and until of a table, as far as they are
// written, lie within the run and in this order.
func (d *decoding) span(s *Scenario, path string, from, until quantity.Duration) {
	d.within(s, path+".from", from)
	if _, ok := subtree(s.tree, path+".until").(string); !ok {
		return
	}
	d.within(s, path+".until", until)
	if until <= from {
		d.problemf(path+".until", "got %s, want more than from, %s", until, from)
	}
}

// maxNodes is what the engine can address.
const maxNodes = 1 << 30

func (d *decoding) checkNodes(s *Scenario) {
	if total := int64(s.Nodes.Count) + int64(s.Nodes.Spare); total > maxNodes {
		d.problemf("nodes.spare", "got %d nodes with the spare ones, want at most %d", total, maxNodes)
	}
	if s.Nodes.Join.Mode == "staggered" {
		d.within(s, "nodes.join.over", s.Nodes.Join.Over)
	}
	if s.Nodes.Clock.Skew.Std() > maxDuration {
		d.problemf("nodes.clock.skew", "got %s, want at most a century", s.Nodes.Clock.Skew)
	}
}

// total is the number of nodes that may ever take part; false if that is not
// known because it is wrong.
func (s *Scenario) total() (int, bool) {
	n := int64(s.Nodes.Count) + int64(s.Nodes.Spare)
	return int(n), s.Nodes.Count >= 1 && s.Nodes.Spare >= 0 && n <= maxNodes
}

// allowed demands that of the keys of a table only those that its model takes
// are written.
func (d *decoding) allowed(path string, table any, model string, keys ...string) {
	written, _ := table.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(written)) {
		if !slices.Contains(keys, key) {
			d.problem(join(path, key), Problem{Message: fmt.Sprintf("%q does not take this", model), Valid: keys})
		}
	}
}

// needs demands that keys of a table are written.
func (d *decoding) needs(path string, table any, model string, keys ...string) {
	written, _ := table.(map[string]any)
	for _, key := range keys {
		if _, ok := written[key]; !ok {
			d.problemf(join(path, key), "missing: %q needs it", model)
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
