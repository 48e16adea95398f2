package analysis

// Kinds of plot.
const (
	// PlotSeries draws metrics over time, the mean over seeds with its 95 %
	// confidence band.
	PlotSeries = "series"
	// PlotSweep draws metrics against a swept key, the mean over seeds with
	// its 95 % confidence interval.
	PlotSweep = "sweep"
	// PlotDistribution draws the empirical distribution function of the
	// samples of metrics, pooled over seeds.
	PlotDistribution = "distribution"
	// PlotOverlay draws the links between nodes at the end of the first run.
	// It takes no metrics, and neither does PlotTree.
	PlotOverlay = "overlay"
	// PlotTree draws the delivery tree of a message of the first run.
	PlotTree = "tree"
)

// Plot describes a figure.
type Plot struct {
	// Name is the file's name without extension.
	Name string
	// Title stands above the figure; empty for none.
	Title string
	// Kind is PlotSeries, PlotSweep, PlotDistribution, PlotOverlay or PlotTree.
	Kind    string
	Metrics []string
	// X is the swept key of a PlotSweep.
	X          string
	LogX, LogY bool
	// XLabel and YLabel replace the names that follow from the metrics.
	XLabel, YLabel string
	YMin, YMax     *float64
	// By is the swept key that gets a curve per value; runs that differ in
	// other keys are then pooled. Empty means a curve for every combination
	// of the swept keys other than X.
	By         string
	References []Reference
}

// Reference is something to compare with: a published or theoretical curve, or
// a constant.
type Reference struct {
	Label string
	// Points are x, y pairs; Y is a horizontal line. One of the two is given.
	Points [][2]float64
	Y      *float64
}
