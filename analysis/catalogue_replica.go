package analysis

// What is said here once, for the definitions of replica.*: a replica is a live
// node. It takes a version of a key when it writes or applies it. Later and
// earlier is the order in which writes were acknowledged; versions of which no
// event tells the writing are earlier than all. Deletions are writes. What is
// counted of writes, reads and sessions is those that began after the warm-up. A
// replica that restarts waits for nothing that was written before, and what it
// took before counts no more.

const (
	merkleFlow = "MerkleFlow's targets"
	dynamo     = "DeCandia et al., SOSP 2007 (Dynamo), section 4.7: anti-entropy"
	demers     = "Demers et al., PODC 1987"
	pbs        = "Bailis et al., VLDB 2012 (PBS): t-visibility"
)

func replicaMetrics() []Metric {
	return append(append(replicaWriteMetrics(), replicaReadMetrics()...), replicaStateMetrics()...)
}

func replicaWriteMetrics() []Metric {
	latency := func(name, label, which string) Metric {
		return Metric{
			Name: name, Label: label, Unit: "s", Suffixes: quantiles, Samples: true, Source: merkleFlow + "; " + pbs,
			Definition: "per write" + which + " and other replica that was live then and has been since: time from the acknowledgement until the replica applied this version or a later one of the key; " +
				"quantiles by Kaplan and Meier's estimator with those that were not seen to get there, watched to the end of the run or until the replica wrote the key itself, by histograms with three significant digits; as samples, 1,001 evenly spaced quantiles",
		}
	}
	return []Metric{
		{
			Name: "replica.writes", Label: "writes", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "writes and deletions that were acknowledged",
		},
		latency("replica.latency_s", "replication latency", ""),
		latency("replica.latency_hot_s", "replication latency of hot keys", " that was sent out at once"),
		latency("replica.latency_cold_s", "replication latency of cold keys", " that was left to anti-entropy"),
		{
			Name: "replica.arrivals", Label: "arrivals of writes", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "pairs of a write and another replica that replica.latency_s is over and that got there",
		},
		{
			Name: "replica.arrivals_unfinished", Label: "writes that replicas lack", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "pairs that never got there within the run, nor were cut short",
		},
		{
			Name: "replica.arrivals_cut", Label: "arrivals that own writes cut short", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "pairs that were watched only until the replica wrote the key itself",
		},
		{
			Name: "replica.pulled_share", Label: "versions that came by anti-entropy", Unit: "share", Scalar: true, Source: demers,
			Definition: "share of the applications of versions that were pulled, not pushed",
		},
		{
			Name: "replica.lost_writes", Label: "lost writes", Unit: "count", Scalar: true, Source: "Starling: no acknowledged write is lost",
			Definition: "keys whose last write was taken by no process that is a live replica at the end, as far as events tell; " +
				"no value if one could be there unseen: if a live replica has restarted and last reported another root than every one that has not",
		},
		{
			Name: "replica.resurrected", Label: "deleted keys that came back", Unit: "count", Scalar: true, Source: "Starling: no deleted key comes back",
			Definition: "applications of an earlier version, that is no deletion, by a replica whose latest version of the key is a deletion that covered it: the node that deleted the key had taken that version before, or one that was written on top of it (whose node had it for its latest version, and so on), or it is of before the run; must be 0",
		},
		{
			Name: "replica.followed_share", Label: "keys that are measured", Unit: "share", Scalar: true, Source: "Starling",
			Definition: "share of the keys, by their hashes, whose writes and reads are measured; 1 but for runs so large that the memory would not do",
		},
	}
}

func replicaReadMetrics() []Metric {
	return []Metric{
		{
			Name: "replica.reads", Label: "reads", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "reads at replicas",
		},
		{
			Name: "replica.stale_reads", Label: "stale reads", Unit: "share", Scalar: true, Source: pbs,
			Definition: "share of the reads that missed a write acknowledged before: later than what they saw and than all that the replica had taken; who sees no value is held to see the last deletion",
		},
		{
			Name: "replica.overruled_reads", Label: "reads of earlier versions than were taken", Unit: "share", Scalar: true, Source: "Starling",
			Definition: "share of the reads that saw an earlier version than the latest that the replica had taken: of concurrent writes the earlier one won, as it may where clocks are wrong, or a value is made of several writes; they are stale only if they missed a write besides",
		},
		{
			Name: "replica.staleness_s", Label: "staleness of stale reads", Unit: "s", Suffixes: quantiles, Samples: true, Source: pbs,
			Definition: "per stale read: time since the earliest write that it missed; quantiles by a histogram with three significant digits; as samples, 1,001 evenly spaced quantiles",
		},
	}
}

func replicaStateMetrics() []Metric {
	const reported = ", by the roots that they last reported"
	perSession := "; over sessions that are complete, quantiles by a histogram with three significant digits; as samples, 1,001 evenly spaced quantiles"
	return []Metric{
		{
			Name: "replica.same_root_share", Label: "replicas with the same contents", Unit: "share", Scalar: true, Series: true, Source: demers + ": residue",
			Definition: "share of the live replicas that have the most common root" + reported + "; one that has reported none has none in common; as a value, at the end",
		},
		{
			Name: "replica.converged_s", Label: "time to convergence", Unit: "s", Scalar: true, Source: merkleFlow,
			Definition: "time from the last write, coming or going of a node, pause, resumption, begin or end of a network fault (whichever is last) until all live replicas had reported the same root for good, who wrote after having written; 0 if they had before; no value if that never came",
		},
		{
			Name: "replica.keys", Label: "keys held", Unit: "count", Scalar: true, Series: true, Source: "Starling",
			Definition: "keys that a live replica holds, the mean over those that have reported" + reported + "; as a value, at the end",
		},
		{
			Name: "replica.tombstones", Label: "tombstones held", Unit: "count", Scalar: true, Series: true, Source: demers + ", section 2: death certificates",
			Definition: "deleted keys that a live replica remembers, the mean over those that have reported" + reported + "; as a value, at the end",
		},
		{
			Name: "replica.sessions", Label: "anti-entropy sessions", Unit: "count", Scalar: true, Source: dynamo,
			Definition: "anti-entropy sessions that began",
		},
		{
			Name: "replica.sessions_unfinished", Label: "unfinished sessions", Unit: "count", Scalar: true, Source: dynamo,
			Definition: "sessions that began and were never complete: broken off, or under way when the run ended",
		},
		{
			Name: "replica.session_s", Label: "duration of a session", Unit: "s", Suffixes: quantiles, Samples: true, Source: merkleFlow,
			Definition: "time from a session’s beginning until it was complete, at the node that began it" + perSession,
		},
		{
			Name: "replica.session_rounds", Label: "round trips of a session", Unit: "count", Suffixes: quantiles, Samples: true, Source: dynamo,
			Definition: "round trips of a session" + perSession,
		},
		{
			Name: "replica.session_bytes", Label: "bytes of a session", Unit: "B", Suffixes: quantiles, Samples: true, Source: dynamo,
			Definition: "bytes of a session’s messages, both ways" + perSession,
		},
		{
			Name: "replica.session_keys", Label: "keys repaired in a session", Unit: "count", Suffixes: quantiles, Samples: true, Source: dynamo,
			Definition: "keys that a session changed at either replica" + perSession,
		},
		{
			Name: "replica.keys_repaired", Label: "keys repaired", Unit: "count", Scalar: true, Source: dynamo,
			Definition: "keys that complete sessions changed at either replica",
		},
		{
			Name: "replica.bytes_per_key_repaired", Label: "bytes per key repaired", Unit: "B", Scalar: true, Source: dynamo,
			Definition: "bytes of all complete sessions per key that they changed; no value if they changed none",
		},
	}
}
