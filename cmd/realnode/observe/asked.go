package observe

import (
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// asked collects the metrics that others count.
type asked struct {
	metrics []Metric
	descs   map[string]*prometheus.Desc

	mu      sync.Mutex
	byLabel map[string][]func() map[string]uint64
	values  map[string][]func() float64
}

func newAsked() *asked {
	a := &asked{
		descs:   map[string]*prometheus.Desc{},
		byLabel: map[string][]func() map[string]uint64{},
		values:  map[string][]func() float64{},
	}
	for _, m := range table {
		if m.Asked {
			a.metrics = append(a.metrics, m)
			a.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		}
	}
	return a
}

// add remembers a function, which is of one of the two types that asked has.
func (a *asked) add(name string, labels int, function any) error {
	m, ok := find(name)
	switch {
	case !ok || !m.Asked:
		return fmt.Errorf("add figures to metric %q: nobody is asked for a metric of this name", name)
	case len(m.Labels) != labels:
		return fmt.Errorf("add figures to metric %s: got a function for %d labels, want one for %d", name, labels, len(m.Labels))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch f := function.(type) {
	case func() map[string]uint64:
		a.byLabel[name] = append(a.byLabel[name], f)
	case func() float64:
		a.values[name] = append(a.values[name], f)
	}
	return nil
}

// Describe is prometheus.Collector's.
func (a *asked) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range a.descs {
		descs <- d
	}
}

// Collect is prometheus.Collector's.
func (a *asked) Collect(metrics chan<- prometheus.Metric) {
	for _, m := range a.metrics {
		a.mu.Lock()
		byLabel, values := a.byLabel[m.Name], a.values[m.Name]
		a.mu.Unlock() // the functions may lock what they like

		sums := map[string]float64{}
		for _, figures := range byLabel {
			for label, v := range figures() {
				sums[label] += float64(v)
			}
		}
		for label, v := range sums {
			metrics <- a.metric(m, v, label)
		}
		if len(values) > 0 {
			sum := 0.0
			for _, figure := range values {
				sum += figure()
			}
			metrics <- a.metric(m, sum)
		}
	}
}

func (a *asked) metric(m Metric, v float64, labels ...string) prometheus.Metric {
	valueType := prometheus.GaugeValue
	if m.Type == Counter {
		valueType = prometheus.CounterValue
	}
	metric, err := prometheus.NewConstMetric(a.descs[m.Name], valueType, v, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(a.descs[m.Name], err)
	}
	return metric
}
