package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Node is what the interface shows and tells what to do. All methods may be
// called at any time, by several at once.
type Node interface {
	Status(ctx context.Context) (Status, error)
	Members(ctx context.Context) ([]Member, error)
	View(ctx context.Context) (View, error)
	// Broadcast hands a payload to the broadcast protocol of the stack.
	Broadcast(ctx context.Context, payload []byte) error
	// Leave begins to leave; the process ends soon after.
	Leave(ctx context.Context) error
	// Events sends what protocols emit from now on, until ctx is done. Who
	// reads too slowly misses some.
	Events(ctx context.Context) (<-chan Event, error)
	Keys
}

// Lab is what lab mode adds.
type Lab interface {
	// Command tells a protocol to do something, by the command's name.
	Command(ctx context.Context, c Command) error
	// Apply begins a network rule, given as package lab's JSON.
	Apply(ctx context.Context, rule json.RawMessage) (id uint64, err error)
	Remove(ctx context.Context, id uint64) error
	// Counters are the traffic so far, by name.
	Counters(ctx context.Context) (map[string]uint64, error)
}

// ErrNotSupported is wrapped by what the node's stack or mode cannot do.
var ErrNotSupported = errors.New("not supported")

// Status says who a node is and how it is.
type Status struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Version   string    `json:"version"`
	Stack     []string  `json:"stack"`
	Transport string    `json:"transport"`
	Listen    string    `json:"listen"`
	Contact   string    `json:"contact"` // base64, as membership carries it
	Started   time.Time `json:"started"`
	UptimeS   float64   `json:"uptime_s"`
	PID       int       `json:"pid"`

	Members int `json:"members"` // alive or suspected, this node included
	Links   int `json:"links"`
	// Map says how much a stack that keeps keys holds; nil if there is none.
	Map   *Map `json:"map,omitempty"`
	Ready bool `json:"ready"`
	// Wrong says what is not well, by check.
	Wrong map[string]string `json:"wrong,omitempty"`
	Lab   bool              `json:"lab,omitempty"`
}

// Map is the size of the replicated map, and what tells it from others.
type Map struct {
	Keys       int    `json:"keys"`
	Tombstones int    `json:"tombstones"` // deletions that are remembered
	Root       string `json:"root"`       // hex; the same at two nodes if and only if they hold the same
}

// Member is one node as this one knows it.
type Member struct {
	ID          string `json:"id"`
	Status      string `json:"status"` // alive, suspect, dead, left
	Incarnation uint32 `json:"incarnation"`
	Address     string `json:"address,omitempty"`
	Metadata    string `json:"metadata,omitempty"`
	Self        bool   `json:"self,omitempty"`
}

// View is the overlay as seen from here.
type View struct {
	Protocol string   `json:"protocol"` // that keeps the links
	Active   []Link   `json:"active"`
	Passive  []string `json:"passive,omitempty"`
	// Eager are the links on which broadcasts of this node are pushed.
	Eager []string `json:"eager,omitempty"`
}

// Link is a link to a neighbour.
type Link struct {
	ID       string  `json:"id"`
	Address  string  `json:"address,omitempty"`
	RTTMilli float64 `json:"rtt_ms,omitempty"` // last measured, 0 if never
}

// Event is something that a protocol emitted.
type Event struct {
	TimeNS int64             `json:"time_ns"` // since the start of the run, or of the process
	Node   string            `json:"node"`
	Index  uint32            `json:"index,omitempty"`
	Kind   uint16            `json:"kind"`
	Name   string            `json:"name"` // swim.suspect
	Peer   string            `json:"peer,omitempty"`
	Args   [3]uint64         `json:"args"`
	Text   map[string]string `json:"text,omitempty"` // the arguments, named and readable
	// Payload is the text of a broadcast that was delivered, if it is short and
	// printable.
	Payload string `json:"payload,omitempty"`
}

// Command is a protocol's command by name, such as plumtree.broadcast.
type Command struct {
	Name  string    `json:"name"`
	Key   []byte    `json:"key,omitempty"`
	Value []byte    `json:"value,omitempty"`
	Args  [2]uint64 `json:"args"`
	// Workload is the index of the scenario's workload that it is from.
	Workload uint64 `json:"workload,omitempty"`
}

// Extra are handlers that others make.
type Extra struct {
	Metrics, Live, Ready http.Handler // nil: none
	Profile              bool         // /debug/pprof/
}
