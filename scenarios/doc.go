// Package scenarios is the language in which questions are put to the virtual
// world: TOML files that say what runs, on what network, what happens to it,
// what is measured and what must hold.
//
// [Load] reads a scenario of a name or a file and checks it: whatever is wrong
// comes back as an [*Error], with file, line, column, key and what would do.
// [Scenario.Set] overrides keys, [Scenario.Points] unfolds the sweep,
// [Scenario.World] builds the world with all that is to happen in it, and
// [Scenario.Marshal] writes the scenario with every default filled in: running
// that again gives the same trace hash. [Schema] describes the language to
// editors.
//
// # Units
//
// Durations ("250ms", "2m"), shares and probabilities ("1%"), sizes ("1400B",
// "32KiB"), bandwidths ("50Mbit/s") and rates ("2/s") are written with their
// units (package quantity).
//
// # Chance
//
// Who a fault happens to, when churn strikes and what a workload sends is drawn
// from streams of their own, derived from the seed and the place in the file:
// neither the protocols nor other faults have an influence, so that variants
// can be compared under common random numbers.
//
// Which keys are hot depends on the seed, the prefix and the number of keys alone:
// workloads that write and read keys of the same prefix and number, a mix of
// commands, are about the same ones.
//
// # Converged starts
//
// With nodes.join.mode = "converged" every node is told at time 0 of all nodes,
// itself included. A protocol whose configuration has a key bootstrap is then
// configured with bootstrap = "seeds_are_members", unless the scenario says
// otherwise. Nodes that come later, or come back, are told of
// nodes.join.seeds nodes and have to ask.
//
// Dependencies: package document, which reads TOML; pelletier/go-toml/v2 to write
// a document with overrides.
package scenarios
