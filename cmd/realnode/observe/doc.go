// Package observe is what a real node shows of itself: the events of its
// protocols on their one way to metrics, traces, logs and whoever watches, and
// its health.
//
// The node's loop hands every record to [Observer.Observe], which counts it and
// puts it into a bounded queue; a goroutine of the Observer's does the rest.
// Nothing here makes the loop wait: where a queue is full, a record is dropped
// and counted, and a subscriber is told how many it missed. The counts of
// [Metrics] are made on the loop and miss nothing.
//
//	metrics, err := observe.NewMetrics(stack.Specs(), version)
//	observer, err := observe.New(observe.Options{
//		Specs:   stack.Specs(),
//		Start:   start,
//		Metrics: metrics,
//		Log:     slog.NewJSONHandler(os.Stderr, nil),
//	})
//	defer observer.Close(ctx)
//	http.Handle("/metrics", metrics.Handler())
//
// # Metrics
//
// [All] lists them. Some are counted by calls ([Metrics.Sent],
// [Metrics.LoopLag]), the others read from whoever has the figure when somebody
// asks: [Metrics.ByLabel] and [Metrics.Value].
//
// # Traces
//
// Off unless there is an endpoint. All spans of one broadcast belong to one
// trace, whichever node they come from, and the parent of a delivery is the
// delivery, or the broadcast, at the node that sent the message: the trace is
// the tree along which the message spread. Nodes need not send anything to each
// other for this, since the identities of trace and spans follow from the
// message's key and the nodes' identities.
//
// # Files
//
// The directory deploy beside this package holds a dashboard for Grafana and
// alert rules for Prometheus. Tests here hold both against All.
package observe
