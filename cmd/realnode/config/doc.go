// Package config is the configuration of a real node: a TOML file, overridden by
// variables of the environment, checked in full before anything starts.
//
// [Load] reads a file and checks it: whatever is wrong comes back as an [*Error],
// with file, line, column, key and what would do. [Config.Filled] writes the
// configuration with every default, [Keys] lists all keys, and [Schema]
// describes the file to editors. Nothing is opened and no name is looked up, so a
// configuration can be checked on another machine; [Config.CheckFiles] then looks
// at the files that it names.
//
// The keys stack and [protocol.<name>] mean what they mean in a scenario: the
// same code reads them (package document).
//
//	stack = ["swim", "hyparview", "plumtree"]
//
//	[node]
//	data_dir = "data"
//	seeds = ["127.0.0.1:7946"]
//
//	[transport]
//	listen = "127.0.0.1:7947"
//
//	[protocol.swim]
//	probe_interval = "1s"
//
// # Paths
//
// Names of files are relative to the directory of the configuration;
// [Config.Path] resolves them.
//
// # Which transport
//
// Without transport.kind a node that has a table [wireguard], or listens where
// other hosts reach it, or has a ticket among its seeds, is of kind "wireguard"; one on loopback, or one that was
// told to be insecure, is "plain".
//
// # Variables
//
// Every key can be set by a variable, whose name is STARLING_ and the key in
// capitals with underscores between its parts: STARLING_TRANSPORT_LISTEN,
// STARLING_PROTOCOL_SWIM_PROBE_INTERVAL. Lists are written with commas. A variable
// counts for more than the file. One that begins like this and names no key is
// an error, except those that Kubernetes makes for every Service
// (STARLING_SERVICE_HOST).
//
// # Reloading
//
// On SIGHUP a node reads its configuration again. Some keys take effect at once:
// node.seeds, node.log_level, transport.limits.datagram_rate and datagram_burst,
// and wireguard.allow. They have Reload set in [Keys]. What else changed waits for
// a restart; [Diff] tells which is which, and [Config.Adopt] takes a key over.
//
// # Secrets
//
// Secrets are in files of their own, which others than owner and group must not
// be able to read: wireguard.key_file (owner only), cluster_secret_file,
// ticket_file, and admin.token_file. A ticket among node.seeds works too, but
// makes the configuration itself a secret; it is not shown in messages.
package config
