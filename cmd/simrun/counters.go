package main

import (
	"fmt"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// messageNames returns the names of all kinds of message of the specs.
func messageNames(specs []protocol.Spec) map[protocol.MessageKind]string {
	names := map[protocol.MessageKind]string{}
	for _, s := range specs {
		for _, m := range s.Messages {
			names[m.Kind] = m.Name
		}
	}
	return names
}

// countersOf puts what a world counted into the words of analysis. The nodes'
// own counters are read only if perNode is true.
func countersOf(w *sim.World, names map[protocol.MessageKind]string, perNode bool) analysis.Counters {
	c := w.Counters()
	out := analysis.Counters{
		Events: c.Events, Timers: c.Timers,
		Datagrams: c.SentDatagrams, StreamMessages: c.SentStream,
		Bytes:     c.SentDatagramBytes + c.SentStreamBytes,
		Delivered: c.Datagrams + c.StreamMessages,
	}
	for reason, n := range c.Lost {
		out.Lost = append(out.Lost, analysis.Count{Name: sim.Loss(reason).String(), N: n})
	}
	for _, k := range c.Kinds {
		name, ok := names[k.Kind]
		if !ok {
			name = fmt.Sprintf("%#04x", uint16(k.Kind))
		}
		out.Messages = append(out.Messages, analysis.MessageCount{Name: name, Messages: k.Sent, Bytes: k.SentBytes})
	}
	if perNode {
		out.NodeMessages, out.NodeBytes = make([]uint64, w.Nodes()), make([]uint64, w.Nodes())
		for i := range w.Nodes() {
			n := w.NodeCounters(i)
			out.NodeMessages[i], out.NodeBytes[i] = n.Sent, n.SentBytes
		}
	}
	return out
}
