// Package analysis turns what happened into what it means: measures,
// statistics, verdicts, figures and reports.
//
// A [Collector] is an observer of a run. It holds the ground truth (who is up,
// since when, who is paused) against what the protocols say they believe, and
// computes every measure online, so that a run need not be recorded. Its
// memory grows with the number of crashed members, of wrong beliefs, of messages
// broadcast, of links between nodes, of writes and of replicas of keys, never with
// the number of events.
//
//	c, err := analysis.NewCollector(analysis.Config{Nodes: n, NodeID: world.ID, Events: specs})
//	// world runs with c as its observer; c.Sample(t, counters) now and then
//	result := c.Finish(t, counters)
//
// What a run leaves on disk is a [Summary] (summary.json) and its [Series]
// (metrics.csv and metrics.parquet). Several runs, the points and seeds of a
// sweep, are a slice of [Run]; [Summarise], [PairedDifference], [Evaluate],
// [Plot], [Table] and [Report] work on such a slice, and a single run is a
// slice of one.
//
// Every metric has one entry in [Catalogue]: name, unit, definition, source.
//
// The package reads events and never reaches into a running node; it imports
// the contract only, and knows protocols by the names of their events. What it
// writes is a function of what it was given: the same run gives the same
// bytes.
package analysis
