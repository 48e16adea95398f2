package analysis

// Statistics an Expectation may be about.
const (
	// StatisticEvery holds the expectation against every run.
	StatisticEvery = "every"
	// StatisticMean holds it against the mean over the seeds of each point.
	StatisticMean = "mean"
)

// Expectation is what a scenario demands of a metric. One or more of Min, Max
// and Equal are given; each gives a verdict of its own.
type Expectation struct {
	Metric          string
	Min, Max, Equal *float64
	// Where restricts the expectation to runs whose point has these values.
	Where []Assignment
	// Statistic is StatisticEvery (also if empty) or StatisticMean.
	Statistic string
}

// Verdict is one demand held against one value. It is an element of "expect" in
// summary.json.
type Verdict struct {
	Metric string
	// Op is "<=", ">=" or "==".
	Op   string
	Want float64
	// Got is NaN if there is no value; the verdict is then negative.
	Got float64
	OK  bool
	// Point and Seed tell the run of a sweep apart; Seed is nil for a mean.
	Point string
	Seed  *uint64
	// N and CI are the number of runs and the half-width of the 95 %
	// confidence interval behind a mean; zero otherwise.
	N  int
	CI float64
	// Note says what is wrong beyond the number: a missing metric, no run
	// that the filter lets through. Empty otherwise.
	Note string
}
