package scenarios

import "slices"

// dataSets are the latencies that are built in.
var dataSets = []string{"aws-2019", "libp2p-8", "planetlab-490"}

// Files returns the names of the files that the scenario refers to, as it
// writes them: relative to the directory of its own file. What happens in a run
// depends on their content.
func (s *Scenario) Files() []string {
	var names []string
	switch data := s.Network.Latency.Data; {
	case s.Network.Latency.Model != "regions" && s.Network.Latency.Model != "pairs":
	case data != "" && !slices.Contains(dataSets, data):
		names = append(names, data)
	}
	if s.Churn != nil && s.Churn.Trace != "" {
		names = append(names, s.Churn.Trace)
	}
	return names
}

// ReadFile reads a file that the scenario refers to.
func (s *Scenario) ReadFile(name string) ([]byte, error) { return s.beside(name) }

// Err returns why the scenario, a point of a sweep whose values do not go
// together, cannot be run; nil if it can.
func (s *Scenario) Err() error { return s.wrong }
