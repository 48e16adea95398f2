package real

import (
	"slices"
	"sync"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

const (
	// lookPatience is how long a process may take to say what it counted.
	lookPatience = time.Second
	// lastLook is the same before something is done to it, which must not wait.
	lastLook = 200 * time.Millisecond
	// leastInterval is the least time between two looks at all counters, which
	// cost the machine something.
	leastInterval = time.Second
	// looks is how many processes are asked at a time.
	looks = 8
)

// Sample is what all nodes together counted up to a time.
type Sample struct {
	Time time.Duration
	analysis.Counters
}

// sample asks all nodes that run, and adds up.
func (r *run) sample(at time.Duration) Sample {
	var asking sync.WaitGroup
	slots := make(chan struct{}, looks)
	for _, n := range r.nodes {
		n.mu.Lock()
		client := n.asked
		n.mu.Unlock()
		if client == nil {
			continue
		}
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			n.look(client, lookPatience)
		})
	}
	asking.Wait()
	counts := make([]map[string]uint64, len(r.nodes))
	for i, n := range r.nodes {
		n.mu.Lock()
		counts[i] = map[string]uint64{}
		addCounts(counts[i], n.before)
		addCounts(counts[i], n.last)
		n.mu.Unlock()
	}
	return Sample{at, sum(r.messages, counts)}
}

// mostLate is the counter that is a maximum.
const mostLate = "shim.most_late_ns"

// addCounts adds counters to others.
func addCounts(to, from map[string]uint64) {
	for name, count := range from {
		if name == mostLate {
			to[name] = max(to[name], count)
		} else {
			to[name] += count
		}
	}
}

// losses are the reasons that nodes count, by their names in the measures. That
// nobody was there they know of hosts that crashed, not of processes that ended.
var losses = []struct{ name, counter string }{
	{"random", "shim.lost.random"},
	{"burst", "shim.lost.burst"},
	{"cut", "shim.lost.cut"},
	{"rule", "shim.lost.rule"},
	{"uplink", "shim.lost.uplink"},
	{"limit", "shim.lost.limit"},
	{"downlink", "shim.lost.downlink"},
	{"nobody", "shim.lost.nobody"},
	{"inbox", "dropped.inbox_full"},
	{"malformed", "dropped.malformed"},
	{"version", "dropped.version"},
	{"unknown_kind", "dropped.unknown_kind"},
	{"stream", "shim.lost.stream"},
}

// sum puts what nodes counted into the words of the measures.
func sum(messages []protocol.MessageSpec, nodes []map[string]uint64) analysis.Counters {
	out := analysis.Counters{NodeMessages: make([]uint64, len(nodes)), NodeBytes: make([]uint64, len(nodes))}
	for _, l := range losses {
		out.Lost = append(out.Lost, analysis.Count{Name: l.name})
	}
	for _, m := range messages {
		out.Messages = append(out.Messages, analysis.MessageCount{Name: m.Name, Payload: m.Payload})
	}
	for i, c := range nodes {
		out.Timers += c["timers"]
		out.Datagrams += c["shim.datagrams"]
		out.StreamMessages += c["shim.stream_messages"]
		for k, l := range losses {
			out.Lost[k].N += c[l.counter]
		}
		for k, m := range messages {
			sent, size := c["shim.sent."+m.Name], c["shim.sent_bytes."+m.Name]
			out.Messages[k].Messages += sent
			out.Messages[k].Bytes += size
			out.NodeMessages[i] += sent
			out.NodeBytes[i] += size
			out.Delivered += c["kind."+m.Name+".in"]
		}
		out.Bytes += out.NodeBytes[i]
	}
	out.Messages = slices.DeleteFunc(out.Messages, func(m analysis.MessageCount) bool { return m.Messages == 0 })
	out.Events = out.Timers + out.Delivered
	return out
}
