package config

import (
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
)

// Config is a configuration that was read and checked, with every default.
type Config struct {
	Content

	registry *stack.Registry
	file     string
	doc      *document.Document
}

// Content is everything in a configuration file. The doc tags are the
// descriptions of the keys in the JSON Schema; keys with the tag reload take
// effect without a restart.
type Content struct {
	Stack []string `toml:"stack" doc:"protocols of the node, bottom first, as in a scenario"`

	Node      Node      `toml:"node" doc:"the node itself"`
	Transport Transport `toml:"transport" doc:"how the node talks to others"`
	WireGuard WireGuard `toml:"wireguard" doc:"the tunnel, for transport.kind = \"wireguard\""`
	Admin     Admin     `toml:"admin" doc:"the interface through which the node is looked at and told what to do"`
	Observe   Observe   `toml:"observe" doc:"metrics, traces, health"`
	Lab       Lab       `toml:"lab" doc:"experiments"`

	Protocol map[string]map[string]any `toml:"protocol" doc:"configuration by protocol, as in a scenario"`
}

// Node is the node itself.
type Node struct {
	Name         string            `toml:"name,omitempty" doc:"name for people, in logs and traces; without: that of the host"`
	ID           string            `toml:"id,omitempty" doc:"plain: identity of the node, 16 hexadecimal digits; without: derived from the address that others reach it at. wireguard: the keys are the identity"`
	DataDir      string            `toml:"data_dir,omitempty" doc:"directory of what the node keeps across restarts: keys, protocols' state, the admin socket; without: it keeps nothing"`
	Seeds        []string          `toml:"seeds" doc:"nodes to start from. plain: host:port, or identity@host:port of a node that has node.id. wireguard: host:port of a member (both hold the cluster secret), a ticket, or a peer's contact. Those that do not answer are asked again" reload:"true"`
	SeedPatience quantity.Duration `toml:"seed_patience" doc:"how long a start waits for a seed to answer. Who has only a ticket gives up then; others start without and go on asking"`
	SeedRetry    quantity.Duration `toml:"seed_retry" doc:"longest pause between two attempts to find seeds that are no live members; pauses grow to it from a sixtieth of it"`
	LogLevel     string            `toml:"log_level" doc:"what is logged: this and what is graver" enum:"debug,info,warn,error" reload:"true"`
	LogFormat    string            `toml:"log_format" doc:"text for people, json for machines" enum:"text,json"`
	MaxMemory    quantity.Size     `toml:"max_memory,omitempty" doc:"memory above which the process collects garbage with all its strength (GOMEMLIMIT); without: no limit"`
	LeaveTimeout quantity.Duration `toml:"leave_timeout" doc:"how long saying goodbye may take when the node is told to stop"`
}

// Transport is how the node talks to others.
type Transport struct {
	Kind      string `toml:"kind" doc:"plain: UDP and TCP that believe every sender, for labs; wireguard: the same inside a tunnel. Without: plain on loopback or if insecure, wireguard otherwise" enum:"plain,wireguard"`
	Listen    string `toml:"listen" doc:"IP address and port to listen on; port 0: any that is free"`
	Advertise string `toml:"advertise,omitempty" doc:"IP address, or address and port, that others are told; without: listen, or with wireguard what the seed sees"`
	Insecure  bool   `toml:"insecure" doc:"allow plain to listen where other hosts reach it"`
	MaxPeers  int    `toml:"max_peers" doc:"plain: addresses of nodes that are remembered. wireguard: peers that are configured at a time" min:"1" max:"1048576"`
	Limits    Limits `toml:"limits" doc:"what strangers and peers can take up at most" layout:"table"`
}

// Limits bound what strangers and peers can take up.
type Limits struct {
	DatagramRate  quantity.Rate `toml:"datagram_rate" doc:"datagrams that one address may send for long" reload:"true"`
	DatagramBurst int           `toml:"datagram_burst" doc:"datagrams that it may send at once" min:"1" max:"1000000000" reload:"true"`

	Connections          int                `toml:"connections" doc:"open connections" min:"1" max:"1000000"`
	ConnectionsPerPeer   int                `toml:"connections_per_peer" doc:"open connections with one peer" min:"1" max:"1000"`
	Handshakes           int                `toml:"handshakes" doc:"accepted connections that have not said who they are" min:"1" max:"1000000"`
	HandshakesPerAddress int                `toml:"handshakes_per_address" doc:"those from one IP address" min:"1" max:"1000000"`
	HandshakeTimeout     quantity.Duration  `toml:"handshake_timeout" doc:"how long an accepted connection may take to say who it is"`
	StreamTimeout        quantity.Duration  `toml:"stream_timeout" doc:"how long a stream goes on trying without progress before it breaks, as network.stream_timeout in a scenario"`
	StreamRate           quantity.Bandwidth `toml:"stream_rate" doc:"how fast a message on a stream has to arrive once stream_timeout has passed, so that nobody holds a connection by trickling"`
	StreamIdle           quantity.Duration  `toml:"stream_idle" doc:"how long a connection stays open unused"`

	QueuedMessages int           `toml:"queued_messages" doc:"messages that wait for one stream" min:"1" max:"1000000000"`
	QueuedPerPeer  quantity.Size `toml:"queued_per_peer" doc:"bytes that wait for one stream"`
	Queued         quantity.Size `toml:"queued" doc:"bytes that wait for all streams"`
	Reading        quantity.Size `toml:"reading" doc:"bytes of long messages that have arrived in part"`

	InboxDatagrams     int           `toml:"inbox_datagrams" doc:"datagrams that wait for the node" min:"1" max:"1000000000"`
	InboxDatagramBytes quantity.Size `toml:"inbox_datagram_bytes" doc:"their size"`
	InboxFrames        int           `toml:"inbox_frames" doc:"messages of streams that wait for the node" min:"1" max:"1000000000"`
	InboxFrameBytes    quantity.Size `toml:"inbox_frame_bytes" doc:"their size"`
}

// WireGuard is the tunnel.
type WireGuard struct {
	KeyFile           string            `toml:"key_file,omitempty" doc:"the node's keys, drawn at the first start; without: node.key in data_dir"`
	ClusterSecretFile string            `toml:"cluster_secret_file,omitempty" doc:"the cluster's secret, for nodes that issue tickets or join without one"`
	TicketFile        string            `toml:"ticket_file,omitempty" doc:"a ticket to join with; it is not used again once the node is a member"`
	Allow             []string          `toml:"allow,omitempty" doc:"identities that may be peers; without: all that know the cluster's secret or hold a ticket. Who is taken off the list is cut off" reload:"true"`
	KeepAlive         quantity.Duration `toml:"keep_alive" doc:"how often an idle peer is sent an empty packet, so that address translation does not forget the way; 0s: never"`
}

// Admin is the interface of operators.
type Admin struct {
	Listen    string `toml:"listen" doc:"unix://PATH, or host:port on loopback, or off; without: unix://admin.sock in data_dir, off if there is none"`
	TokenFile string `toml:"token_file,omitempty" doc:"what clients must know on TCP"`
}

// Observe is how the node is watched.
type Observe struct {
	Listen       string         `toml:"listen,omitempty" doc:"address and port for /metrics, /livez and /readyz, open to whoever reaches it; without: they are on the admin interface only"`
	Metrics      bool           `toml:"metrics" doc:"offer /metrics"`
	Pprof        bool           `toml:"pprof" doc:"offer /debug/pprof on the admin interface"`
	LogEvents    bool           `toml:"log_events" doc:"log everything that protocols emit, at level debug"`
	OTLPEndpoint string         `toml:"otlp_endpoint,omitempty" doc:"http or https URL of an OpenTelemetry collector that is sent traces; without: no traces"`
	TraceShare   quantity.Share `toml:"trace_share" doc:"share of the traces that is sent"`
}

// Lab is what only experiments want.
type Lab struct {
	Enabled bool   `toml:"enabled" doc:"let the admin interface inject faults and commands"`
	World   string `toml:"world,omitempty" doc:"file that describes the world that the node is a part of, as simrun run --real writes it"`
}

// Error is everything that is wrong with a configuration.
type Error = document.Error

// Problem is one thing that is wrong. Its File is the name of a variable if the
// value came from one, and "--set" if it came from the command line.
type Problem = document.Problem
