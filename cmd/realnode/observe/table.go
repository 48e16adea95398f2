package observe

import "slices"

// Metric describes a metric.
type Metric struct {
	// Name ends in the unit, and in _total for counters.
	Name string
	Type MetricType
	Help string
	// Labels are all of its labels.
	Labels []string
	// Asked: the figure is not counted here but asked for when somebody reads
	// the metrics; [Metrics.ByLabel] or [Metrics.Value] says whom. It is absent
	// until then.
	Asked bool
}

// MetricType is a type of Prometheus metrics.
type MetricType string

// The types in use.
const (
	Counter   MetricType = "counter"
	Gauge     MetricType = "gauge"
	Histogram MetricType = "histogram"
)

// Names that this package uses in more than one place.
const (
	metricBuildInfo     = "starling_build_info"
	metricEvents        = "starling_events_total"
	metricSent          = "starling_messages_sent_total"
	metricSentBytes     = "starling_messages_sent_bytes_total"
	metricReceived      = "starling_messages_received_total"
	metricReceivedBytes = "starling_messages_received_bytes_total"
	metricHops          = "starling_broadcast_delivery_hops"
	metricRoundTrip     = "starling_probe_round_trip_seconds"
	metricLoopLag       = "starling_loop_lag_seconds"
	metricStoreErrors   = "starling_store_errors_total"
)

var table = []Metric{
	{Name: metricBuildInfo, Type: Gauge, Labels: []string{"version", "go_version"}, Help: "Always 1; the labels say what runs."},
	{Name: "starling_ready", Type: Gauge, Asked: true, Help: "1 if the node is ready, 0 if a check of its health fails."},
	{Name: "starling_health_check_passing", Type: Gauge, Labels: []string{"check"}, Asked: true, Help: "1 if the check passes, 0 if it fails."},

	{Name: metricEvents, Type: Counter, Labels: []string{"protocol", "event"}, Help: "Events that protocols emitted, and those of the node itself (protocol world)."},
	{Name: "starling_members", Type: Gauge, Labels: []string{"status"}, Asked: true, Help: "Other members in this node's view, by what it believes of them: alive, suspect, dead or left."},
	{Name: "starling_overlay_links", Type: Gauge, Labels: []string{"protocol"}, Asked: true, Help: "Peers in the view that an overlay gives to the protocols above it."},
	{Name: metricRoundTrip, Type: Histogram, Help: "Round trips of the probes that were answered, in seconds."},
	{Name: metricHops, Type: Histogram, Labels: []string{"protocol"}, Help: "Hops that the messages delivered here had travelled, 1 if from their origin."},

	{Name: "starling_replica_keys", Type: Gauge, Labels: []string{"protocol"}, Asked: true, Help: "Keys of the replicated map that this node holds."},
	{Name: "starling_replica_tombstones", Type: Gauge, Labels: []string{"protocol"}, Asked: true, Help: "Deletions of keys that this node remembers."},
	{Name: "starling_replica_root", Type: Gauge, Labels: []string{"protocol"}, Asked: true, Help: "Fingerprint, of 52 bits, of the keys that this node holds and what is under them: the same at nodes that hold the same."},

	{Name: metricSent, Type: Counter, Labels: []string{"protocol", "message", "transport"}, Help: "Messages sent, by transport: datagram or stream."},
	{Name: metricSentBytes, Type: Counter, Labels: []string{"protocol", "message", "transport"}, Help: "Bytes of the messages sent, with their frames and without headers below."},
	{Name: metricReceived, Type: Counter, Labels: []string{"protocol", "message", "transport"}, Help: "Messages received and decoded, by transport: datagram or stream."},
	{Name: metricReceivedBytes, Type: Counter, Labels: []string{"protocol", "message", "transport"}, Help: "Bytes of the messages received, with their frames and without headers below."},

	{Name: "starling_datagrams_dropped_total", Type: Counter, Labels: []string{"reason"}, Asked: true, Help: "Datagrams dropped, in or out, by reason."},
	{Name: "starling_streams_failed_total", Type: Counter, Labels: []string{"reason"}, Asked: true, Help: "Streams refused, broken or not opened, by reason."},
	{Name: "starling_streams_open", Type: Gauge, Asked: true, Help: "Streams that are open, in either direction."},
	{Name: "starling_tunnel_dropped_total", Type: Counter, Labels: []string{"reason"}, Asked: true, Help: "What the tunnel refused or dropped, by reason."},
	{Name: "starling_tunnel_peers", Type: Gauge, Asked: true, Help: "Peers for which the tunnel is configured."},

	{Name: metricLoopLag, Type: Histogram, Help: "How late the node's loop fired timers, in seconds."},
	{Name: "starling_inbox_messages", Type: Gauge, Asked: true, Help: "Messages that wait for the node's loop."},
	{Name: "starling_inbox_dropped_total", Type: Counter, Labels: []string{"reason"}, Asked: true, Help: "Messages that arrived and that no protocol saw, by reason: inbox_full, or what was wrong with them."},
	{Name: "starling_timers_pending", Type: Gauge, Asked: true, Help: "Timers that are set and have not fired."},
	{Name: metricStoreErrors, Type: Counter, Help: "Operations of the node's store that failed."},

	{Name: "starling_observation_dropped_total", Type: Counter, Labels: []string{"sink"}, Asked: true, Help: "Events not passed on for want of room: queue (to nobody), subscriber, log, trace. Counts of events miss none."},
	{Name: "starling_observation_subscribers", Type: Gauge, Asked: true, Help: "Subscribers to the live stream of events."},
}

// All returns every metric that a node has, besides the usual ones of the Go
// runtime and the process (go_*, process_*).
func All() []Metric { return slices.Clone(table) }

// find returns the metric of a name.
func find(name string) (Metric, bool) {
	i := slices.IndexFunc(table, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return table[i], true
}
