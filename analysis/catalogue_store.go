package analysis

// storeMetrics are about nodes' disks.
func storeMetrics() []Metric {
	return []Metric{
		{
			Name: "store.applied_bytes", Label: "bytes stored", Unit: "B", Scalar: true, Source: "Store",
			Definition: "bytes of the keys and values that nodes wrote to their disks after the warm-up; absent if they wrote nothing",
		},
		{
			Name: "store.syncs", Label: "syncs", Unit: "count", Scalar: true, Source: "Store",
			Definition: "number of times that nodes waited after the warm-up for what they had written to be durable",
		},
		{
			Name: "store.log_bytes", Label: "bytes logged", Unit: "B", Scalar: true, Source: "Pebble",
			Definition: `bytes that Pebble wrote to write-ahead logs after the warm-up; only with store = "pebble"`,
		},
		{
			Name: "store.flushed_bytes", Label: "bytes flushed", Unit: "B", Scalar: true, Source: "Pebble",
			Definition: `bytes of tables that Pebble wrote from memory after the warm-up; only with store = "pebble"`,
		},
		{
			Name: "store.compacted_bytes", Label: "bytes compacted", Unit: "B", Scalar: true, Source: "Pebble",
			Definition: `bytes of tables that Pebble wrote from other tables after the warm-up; only with store = "pebble"`,
		},
		{
			Name: "store.write_amplification", Label: "write amplification", Unit: "score", Scalar: true, Source: "MerkleFlow's target: below 2.5",
			Definition: "bytes logged, flushed and compacted over bytes stored, all nodes together; what is in memory at the end is not flushed. " +
				"The same in every run on one architecture (tables are compressed); not part of the trace hash",
		},
	}
}
