package analysis

// What is said here once, for all definitions: a live member is one whose
// process runs and has not been told to leave; a paused one is live. A member
// is anomalous from the first time that it is paused, restarted, or has its
// own links impaired by a fault, to the end of the run. Two members are cut
// off from each other while a fault keeps messages from passing between them
// in at least one direction. Nothing before the end of the warm-up counts.

const (
	lifeguard = "Dadgar, Phillips, Currey 2017 (Lifeguard)"
	swimPaper = "Das, Gupta, Motivala, DSN 2002 (SWIM)"
)

var quantiles = []string{"mean", "p50", "p90", "p99", "max"}

func worldMetrics() []Metric {
	return []Metric{
		{
			Name: "world.live", Label: "live members", Unit: "count", Scalar: true, Series: true, Source: "ground truth",
			Definition: "live members; as a value, at the end",
		},
		{
			Name: "world.crashes", Label: "crashes", Unit: "count", Scalar: true, Source: "ground truth",
			Definition: "crashes",
		},
		{
			Name: "world.leaves", Label: "departures", Unit: "count", Scalar: true, Source: "ground truth",
			Definition: "members told to leave",
		},
		{
			Name: "world.restarts", Label: "restarts", Unit: "count", Scalar: true, Source: "ground truth",
			Definition: "restarts of crashed or departed members",
		},
		{
			Name: "world.pauses", Label: "pauses", Unit: "count", Scalar: true, Source: "ground truth",
			Definition: "pauses of members",
		},
		{
			Name: "events", Label: "events", Unit: "count", Grouped: true, Source: "the protocols' event specs",
			Definition: "how often the event was emitted, over all nodes",
		},
	}
}

func swimMetrics() []Metric {
	deaths := []Metric{
		{
			Name: "swim.false_positives", Label: "false positives (FP)", Unit: "count", Scalar: true, Source: lifeguard + ", section V.B: FP",
			Definition: "declarations of death, at any member, of a live member that was not anomalous and not cut off from the one that declared it; a pair that does so twice counts twice",
		},
		{
			Name: "swim.false_positives_healthy", Label: "false positives at healthy members (FP−)", Unit: "count", Scalar: true, Source: lifeguard + ", section V.B: FP-",
			Definition: "those of swim.false_positives that happened at members that were not anomalous either",
		},
		{
			Name: "swim.false_positive_rate", Label: "pairs with a false positive", Unit: "share", Scalar: true, Source: "MerkleFlow's target; " + swimPaper + ", section 3.2",
			Definition: "share of the ordered pairs (member, other member that never was anomalous) with at least one false positive",
		},
		{
			Name: "swim.false_positive_members", Label: "members falsely declared dead", Unit: "count", Scalar: true, Source: lifeguard,
			Definition: "members that were the subject of at least one false positive",
		},
		{
			Name: "swim.anomalous_deaths", Label: "deaths declared of anomalous members", Unit: "count", Scalar: true, Source: lifeguard,
			Definition: "declarations of death of live members that are or were anomalous (not false positives: something was wrong with them)",
		},
		{
			Name: "swim.unreachable_deaths", Label: "deaths declared across a cut", Unit: "count", Scalar: true, Source: "settled here",
			Definition: "declarations of death of live members across an active cut (not false positives: the member cannot be reached from there)",
		},
		{
			Name: "swim.left_deaths", Label: "deaths declared of departed members", Unit: "count", Scalar: true, Source: "settled here: leave is distinguishable from failure",
			Definition: "declarations of death of members that were leaving or had left in good order",
		},
		{
			Name: "swim.suspicions", Label: "suspicions", Unit: "count", Scalar: true, Source: swimPaper + ", section 4.2",
			Definition: "suspicions begun, over all members and subjects",
		},
		{
			Name: "swim.false_suspicions", Label: "suspicions of healthy members", Unit: "count", Scalar: true, Source: swimPaper + ", section 4.2",
			Definition: "suspicions begun of live members that were not anomalous and not cut off from the one that suspected",
		},
		{
			Name: "swim.refutations", Label: "refutations", Unit: "count", Scalar: true, Source: swimPaper + ", section 4.2",
			Definition: "accusations that the accused member refuted",
		},
		{
			Name: "swim.flaps", Label: "flaps", Unit: "count", Scalar: true, Source: "consul#1212, serf#269",
			Definition: "returns from dead to alive, in some member's view, of a member whose process ran all the time",
		},
	}
	return append(append(deaths, swimSpreadMetrics()...), swimNodeMetrics()...)
}

// swimSpreadMetrics are about how news travels. The witnesses of a crash are
// the live members that were not paused and had the crashed one in their view
// (or have an empty view as far as the events tell); who pauses, crashes or
// leaves later stops being one.
func swimSpreadMetrics() []Metric {
	since := func(name, label, definition, source string) Metric {
		return Metric{
			Name: name, Label: label, Unit: "s", Suffixes: quantiles, Samples: true, Source: source,
			Definition: definition + "; quantiles over crashed members by Kaplan and Meier's estimator, with no value where too many never got there within the run",
		}
	}
	return []Metric{
		{
			Name: "swim.crashes_measured", Label: "crashes measured", Unit: "count", Scalar: true, Source: "ground truth",
			Definition: "crashes after the warm-up that had at least one witness",
		},
		since("swim.suspect_first_s", "time to first suspicion", "time from a member's crash to the first suspicion of it anywhere", swimPaper+", section 3.2"),
		since("swim.detect_first_s", "time to first detection", "time from a member's crash to the first declaration of its death anywhere", swimPaper+", section 5; "+lifeguard+": first detection"),
		since("swim.detect_50_s", "time until half know", "time from a member's crash until half of its witnesses know", swimPaper+", section 5"),
		since("swim.detect_99_s", "time until 99 % know", "time from a member's crash until 99 % of its witnesses know", swimPaper+", section 5"),
		since("swim.detect_all_s", "time until all know", "time from a member's crash until all its witnesses know", swimPaper+", section 5; "+lifeguard+": full dissemination"),
		since("swim.dissemination_s", "time from first detection until all know", "time from the first declaration of a crashed member's death until all its witnesses know", swimPaper+", section 4.1"),
		{
			Name: "swim.undetected", Label: "crashes not known to all at the end", Unit: "count", Scalar: true, Source: "Starling, invariant of strong completeness",
			Definition: "crashed members, not restarted, that some witness did not hold for dead at the end",
		},
		{
			Name: "swim.restarted_undetected", Label: "restarts before detection", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "crashed members that restarted before all their witnesses knew",
		},
		{
			Name: "swim.known_dead_share", Label: "live members that know of a crash", Unit: "share", Series: true, Source: swimPaper + ", section 5",
			Definition: "share of the pairs (crashed member, witness) in which the witness holds the member for dead",
		},
		{
			Name: "swim.known_dead_share_since_crash", Label: "live members that know of a crash", Unit: "share", Series: true, Source: swimPaper + ", section 5",
			Definition: "the same by the time since each member's crash; a crash counts up to the age to which it was watched",
		},
		{
			Name: "swim.leave_all_s", Label: "time until all know of a departure", Unit: "s", Suffixes: quantiles, Samples: true, Source: "Starling",
			Definition: "time from a member's being told to leave until no witness holds it for alive; estimated as swim.detect_all_s",
		},
		{
			Name: "swim.metadata_updates", Label: "metadata updates", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "changes of metadata that were commanded after the warm-up, with anybody else there to learn them",
		},
		{
			Name: "swim.metadata_all_s", Label: "time until all know new metadata", Unit: "s", Suffixes: quantiles, Samples: true, Source: swimPaper + ", section 4.1",
			Definition: "time from the command to change a member's metadata until all members that were live and not paused then (and have been since) know it; estimated as swim.detect_all_s",
		},
		{
			Name: "swim.view_complete_share", Label: "completeness of live members’ views", Unit: "share", Scalar: true, Series: true, Source: "memberlist#222, #311",
			Definition: "share of the ordered pairs of live members in which the one has the other in its view as alive or suspect; as a value, at the end",
		},
		{
			Name: "swim.ghosts", Label: "departed members in live members’ views", Unit: "count", Scalar: true, Series: true, Source: "memberlist#253, #312",
			Definition: "pairs of a live member and one that is not live but alive or suspect in its view; as a value, at the end",
		},
		{
			Name: "swim.join_complete_s", Label: "time from the last join to complete views", Unit: "s", Scalar: true, Source: "Starling",
			Definition: "time from the last first join until every live member had every other one in its view; no value if that never came",
		},
		{
			Name: "swim.whole_again_s", Label: "time from heal to complete views", Unit: "s", Scalar: true, Source: "memberlist#222, serf#605",
			Definition: "time from the end of the last cut until every live member had every other one in its view; no value if that never came",
		},
	}
}

func swimNodeMetrics() []Metric {
	return []Metric{
		{
			Name: "swim.probes", Label: "probes", Unit: "count", Scalar: true, Source: swimPaper + ", section 3.1",
			Definition: "probes that ended, over all members",
		},
		{
			Name: "swim.probe_failed_share", Label: "failed probes", Unit: "share", Scalar: true, Source: swimPaper + ", section 3.1",
			Definition: "share of the probes that nobody acknowledged",
		},
		{
			Name: "swim.probe_indirect_share", Label: "probes acknowledged indirectly", Unit: "share", Scalar: true, Source: swimPaper + ", section 3.1",
			Definition: "share of the probes that were acknowledged through another member",
		},
		{
			Name: "swim.probe_stream_share", Label: "probes acknowledged by stream", Unit: "share", Scalar: true, Source: "memberlist",
			Definition: "share of the probes that were acknowledged over a stream only",
		},
		{
			Name: "swim.probe_rtt_s", Label: "time to acknowledgement", Unit: "s", Suffixes: quantiles, Source: swimPaper + ", section 3.1",
			Definition: "time from a probe to its acknowledgement; quantiles by a histogram with three significant digits",
		},
		{
			Name: "swim.health", Label: "local health score", Unit: "score", Suffixes: []string{"mean", "max"}, Series: true, Source: lifeguard + ", section IV.A",
			Definition: "local health score (0 is healthy) over live members; the mean is over members and time",
		},
		{
			Name: "swim.messages_per_node_s", Label: "SWIM messages per node", Unit: "1/s", Scalar: true, Source: swimPaper + ", section 5",
			Definition: "messages of the protocol sent per live member and second",
		},
		{
			Name: "swim.bytes_per_node_s", Label: "SWIM bytes per node", Unit: "B/s", Scalar: true, Source: lifeguard + ", section V.D",
			Definition: "bytes of the protocol sent per live member and second",
		},
	}
}

func netMetrics() []Metric {
	return []Metric{
		{
			Name: "net.datagrams", Label: "datagrams sent", Unit: "count", Scalar: true, Source: "engine",
			Definition: "datagrams sent",
		},
		{
			Name: "net.stream_messages", Label: "stream messages sent", Unit: "count", Scalar: true, Source: "engine",
			Definition: "messages sent over streams",
		},
		{
			Name: "net.messages", Label: "messages sent", Unit: "count", Scalar: true, Source: lifeguard + ", section V.D",
			Definition: "messages sent, by datagram or stream",
		},
		{
			Name: "net.bytes", Label: "bytes sent", Unit: "B", Scalar: true, Source: lifeguard + ", section V.D",
			Definition: "bytes sent, headers included",
		},
		{
			Name: "net.delivered", Label: "messages delivered", Unit: "count", Scalar: true, Source: "engine",
			Definition: "messages that reached a protocol",
		},
		{
			Name: "net.lost", Label: "messages lost", Unit: "count", Scalar: true, Source: "engine",
			Definition: "messages that did not arrive, for any reason, a receiver that does not run included",
		},
		{
			Name: "net.loss_share", Label: "messages lost", Unit: "share", Scalar: true, Source: "engine",
			Definition: "messages lost on the way per message sent; those to a receiver that does not run do not count as lost here",
		},
		{
			Name: "net.lost_by_reason", Label: "messages lost", Unit: "count", Grouped: true, Source: "engine",
			Definition: "messages that did not arrive, by reason",
		},
		{
			Name: "net.messages_by_kind", Label: "messages sent", Unit: "count", Grouped: true, Source: "engine",
			Definition: "messages sent, by kind",
		},
		{
			Name: "net.bytes_by_kind", Label: "bytes sent", Unit: "B", Grouped: true, Source: "engine",
			Definition: "bytes sent, by kind of message",
		},
		{
			Name: "net.messages_per_node_s", Label: "messages sent per node", Unit: "1/s", Suffixes: quantiles, Samples: true, Source: swimPaper + ", section 5",
			Definition: "messages that a node sent per second that it was live; quantiles over the nodes that were live for a tenth of the time or more, the mean over all node-seconds",
		},
		{
			Name: "net.bytes_per_node_s", Label: "bytes sent per node", Unit: "B/s", Suffixes: quantiles, Samples: true, Source: lifeguard + ", section V.D",
			Definition: "bytes that a node sent per second that it was live; as net.messages_per_node_s",
		},
		{
			Name: "net.message_rate", Label: "messages sent per live node", Unit: "1/s", Series: true, Source: "engine",
			Definition: "messages sent per live node and second since the point before",
		},
		{
			Name: "net.byte_rate", Label: "bytes sent per live node", Unit: "B/s", Series: true, Source: "engine",
			Definition: "bytes sent per live node and second since the point before",
		},
	}
}

func engineMetrics() []Metric {
	return []Metric{
		{
			Name: "engine.events", Label: "engine events", Unit: "count", Scalar: true, Source: "engine",
			Definition: "events executed after the warm-up: deliveries, timers, control events",
		},
		{
			Name: "engine.timers", Label: "timers fired", Unit: "count", Scalar: true, Source: "engine",
			Definition: "timers fired after the warm-up",
		},
		{
			Name: "engine.late_message_s", Label: "lateness of messages", Unit: "s", Suffixes: []string{"mean", "max"}, Source: "engine",
			Definition: "real processes only: by how much later than the network's latency asks for a message came to its receiver's process",
		},
		{
			Name: "engine.late_timeline_s", Label: "lateness of the timeline", Unit: "s", Suffixes: []string{"max"}, Source: "engine",
			Definition: "real processes only: by how much later than the scenario says something in its timeline began",
		},
		{
			Name: "engine.events_per_virtual_s", Label: "engine events per virtual second", Unit: "1/s", Scalar: true, Source: "engine",
			Definition: "events executed per second of virtual time",
		},
	}
}
