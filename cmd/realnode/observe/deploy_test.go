package observe

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// dashboard is what matters here of a dashboard's file.
type dashboard struct {
	Title      string
	Panels     []panel
	Templating struct{ List []struct{ Name string } }
}

type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ UID string }
	GridPos    struct{ X, Y, W, H int }
	Targets    []struct{ Expr string }
}

func mustDashboard(t *testing.T) dashboard {
	t.Helper()
	b, err := os.ReadFile("../deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// rules is a file of alert rules.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert       string
			Expr        string
			For         string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

func mustRules(t *testing.T) rules {
	t.Helper()
	f, err := os.Open("../deploy/prometheus-alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	var r rules
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheDashboardShowsWhatThereIs(t *testing.T) {
	d := mustDashboard(t)
	ids := map[int]bool{}
	var rows []string
	used := map[string]bool{}
	bottom := 0
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q: the id %d is taken", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q: wider than the grid", p.Title)
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			if p.GridPos.Y < bottom {
				t.Errorf("row %q begins above the end of the one before", p.Title)
			}
			continue
		}
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
		if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %q: got source %q and %d expressions", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, target := range p.Targets {
			names, err := checkExpr(t, target.Expr)
			if err != nil {
				t.Errorf("panel %q: %v", p.Title, err)
			}
			for _, name := range names {
				used[name] = true
			}
		}
	}
	if want := []string{"Membership", "Overlay", "Broadcast", "Replicated map", "Traffic and drops", "Runtime"}; !slices.Equal(rows, want) {
		t.Errorf("got rows %v, want %v", rows, want)
	}
	for _, m := range All() {
		if !used[m.Name] {
			t.Errorf("%s is not shown", m.Name)
		}
	}
}

func TestAlertsAreOfWhatThereIs(t *testing.T) {
	names := map[string]bool{}
	for _, group := range mustRules(t).Groups {
		for _, r := range group.Rules {
			if names[r.Alert] || r.Alert == "" || group.Name == "" {
				t.Errorf("%s %s: the name is missing or taken", group.Name, r.Alert)
			}
			names[r.Alert] = true
			if _, err := checkExpr(t, r.Expr); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("%s: got severity %q", r.Alert, r.Labels["severity"])
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s: want a summary and a description", r.Alert)
			}
		}
	}
	for _, want := range []string{"StarlingNotReady", "StarlingMembersLost", "StarlingDatagramsDropped", "StarlingLoopLag", "StarlingStoreErrors", "StarlingRootsDiffer", "StarlingSessionsBroken"} {
		if !names[want] {
			t.Errorf("there is no alert %s", want)
		}
	}
}

func TestExpressionsAreChecked(t *testing.T) {
	for expr, fine := range map[string]bool{
		`rate(starling_events_total{protocol="swim",event=~"alive|left"}[5m])`: true,
		`histogram_quantile(0.9, starling_loop_lag_seconds_bucket)`:            true,
		`go_goroutines{job="x"} > 1`:                                           true,
		`go_sheep`:                                                             false,
		`starling_sheep_total`:                                                 false, // no such metric
		`starling_loop_lag_seconds`:                                            false, // a histogram has parts only
		`starling_events_total_bucket`:                                         false, // not a histogram
		`starling_ready{status="x"}`:                                           false, // no such label
		`starling_events_total{protocol="swam"}`:                               false, // no such protocol
		`starling_events_total{event=~"alive|undead"}`:                         false, // no such event
		`sum by (reason) (rate(starling_events_total[5m]))`:                    true,
		`sum by (flavour) (starling_ready)`:                                    false,
		`sum by (reason) (rate(starling_ready[5m])`:                            false, // brackets
		`up == 0`:                           false, // nothing of ours
		`starling_members{status="asleep"}`: false, // no such status
		`starling_messages_sent_total{transport="pigeon"}`: false,
	} {
		if _, err := checkExpr(t, expr); (err == nil) != fine {
			t.Errorf("%s: got %v", expr, err)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:starling|go|process)_[a-z_]+\b(?:\{([^}]*)\})?`)
	groupingOf = regexp.MustCompile(`\b(?:by|without)\s*\(([^)]*)\)`)
	matcher    = regexp.MustCompile(`^\s*([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"\s*$`)
)

// checkExpr checks the metrics of an expression, their labels and the labels'
// values, and returns the names of the metrics.
func checkExpr(t *testing.T, expr string) ([]string, error) {
	t.Helper()
	for _, pair := range []string{"()", "[]", "{}"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			return nil, fmt.Errorf("%s: brackets %s do not pair", expr, pair)
		}
	}
	grouping := []string{"job", "instance", "le"}
	for _, m := range All() {
		grouping = append(grouping, m.Labels...)
	}
	for _, found := range groupingOf.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(found[1], ",") {
			if !slices.Contains(grouping, strings.TrimSpace(label)) {
				return nil, fmt.Errorf("%s: no metric has the label %q", expr, label)
			}
		}
	}
	expr = groupingOf.ReplaceAllString(expr, "")

	values, usual := labelValues(t), standardNames(t)
	var names []string
	for _, found := range metricName.FindAllStringSubmatch(expr, -1) {
		name, _, _ := strings.Cut(found[0], "{")
		labels := []string{"job", "instance"}
		switch {
		case !standard(name):
			m, err := metricOf(name)
			if err != nil {
				return nil, err
			}
			labels = append(labels, m.Labels...)
			name = m.Name
		case !usual[name] && runtime.GOOS == "linux": // elsewhere a process tells less
			return nil, fmt.Errorf("no metric is called %s", name)
		}
		names = append(names, name)
		for part := range strings.SplitSeq(found[1], ",") {
			if part == "" {
				continue
			}
			match := matcher.FindStringSubmatch(part)
			if match == nil || !slices.Contains(labels, match[1]) {
				return nil, fmt.Errorf("%s: got matcher %s, want one of the labels %v", name, part, labels)
			}
			for value := range strings.SplitSeq(match[2], "|") {
				if known, ok := values[match[1]]; ok && !known[value] {
					return nil, fmt.Errorf("%s: no %s is %q", name, match[1], value)
				}
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: names no metric", expr)
	}
	return names, nil
}

// standardNames are the metrics of the Go runtime and the process.
func standardNames(t *testing.T) map[string]bool {
	t.Helper()
	once.Do(func() {
		for _, f := range mustGather(t, mustMetrics(t)) {
			usualNames[f.GetName()] = standard(f.GetName())
		}
	})
	return usualNames
}

var (
	once       sync.Once
	usualNames = map[string]bool{}
)

// metricOf returns the metric that a name in an expression is of.
func metricOf(name string) (Metric, error) {
	m, ok := find(name)
	if ok && m.Type != Histogram {
		return m, nil
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if m, ok := find(strings.TrimSuffix(name, suffix)); ok && m.Type == Histogram && strings.HasSuffix(name, suffix) {
			return m, nil
		}
	}
	return Metric{}, fmt.Errorf("no metric is called %s", name)
}

// labelValues are the values of those labels that have a fixed set.
func labelValues(t *testing.T) map[string]map[string]bool {
	t.Helper()
	values := map[string]map[string]bool{
		"protocol": {}, "event": {}, "status": {},
		"transport": {"datagram": true, "stream": true},
		"sink":      {"queue": true, "subscriber": true, "log": true, "trace": true},
	}
	for _, k := range mustCatalog(t).kinds {
		values["protocol"][k.protocol], values["event"][k.short] = true, true
	}
	for _, s := range statusNames[1:] {
		values["status"][s] = true
	}
	return values
}
