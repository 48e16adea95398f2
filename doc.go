// Package starling is the root of Starling, a deterministic simulator and
// testbed for gossip and replication protocols. It holds no code: the rooms are
//
//   - protocol: the contract between a protocol and the world that runs it, and
//     below it the protocols, one package each;
//   - netmodel: how networks behave;
//   - sim: the virtual world;
//   - scenarios: the scenario language and the shipped scenarios;
//   - analysis: measures, statistics, plots and reports;
//   - cmd/simrun: the command line.
//
// The test beside this file holds the arrows between them. ARCHITECTURE.md
// explains both.
package starling
