package analysis

// Summary is the content of summary.json: one run in figures.
type Summary struct {
	Scenario       string
	Seed           uint64
	Version        string
	TraceHash      string
	VirtualSeconds float64
	WallSeconds    float64
	Events         uint64
	PeakRSSBytes   uint64
	Nodes          int
	// Point are the swept keys of a sweep's run; absent from the file
	// outside a sweep.
	Point   []Assignment
	Metrics map[string]float64
	Expect  []Verdict
}
