package main

import (
	"fmt"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// messageSpecs returns what the specs say of all kinds of message.
func messageSpecs(specs []protocol.Spec) map[protocol.MessageKind]protocol.MessageSpec {
	out := map[protocol.MessageKind]protocol.MessageSpec{}
	for _, s := range specs {
		for _, m := range s.Messages {
			out[m.Kind] = m
		}
	}
	return out
}

// countersOf puts what a world counted into the words of analysis. The nodes'
// own counters are read only if perNode is true.
func countersOf(w *sim.World, specs map[protocol.MessageKind]protocol.MessageSpec, perNode bool) analysis.Counters {
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
		spec, ok := specs[k.Kind]
		if !ok {
			spec.Name = fmt.Sprintf("%#04x", uint16(k.Kind))
		}
		out.Messages = append(out.Messages, analysis.MessageCount{Name: spec.Name, Messages: k.Sent, Bytes: k.SentBytes, Payload: spec.Payload})
	}
	if perNode {
		d := w.DiskCounters()
		out.Store = analysis.StoreCounters{
			Applied: d.Applied, Log: d.Written.Log, Flushed: d.Written.Flushed, Compacted: d.Written.Compacted, Syncs: d.Syncs,
		}
		out.NodeMessages, out.NodeBytes = make([]uint64, w.Nodes()), make([]uint64, w.Nodes())
		for i := range w.Nodes() {
			n := w.NodeCounters(i)
			out.NodeMessages[i], out.NodeBytes[i] = n.Sent, n.SentBytes
		}
	}
	return out
}
