package swim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

// teller writes down what happens, for people.
type teller struct {
	c   *cluster
	out strings.Builder
}

func (s *teller) name(id protocol.NodeID) string {
	if i, ok := s.c.world.Index(id); ok {
		return fmt.Sprintf("n%d", i)
	}
	return "nobody"
}

// Trace implements sim.Tracer.
func (s *teller) Trace(r *sim.TraceRecord) {
	line := ""
	switch r.What {
	case sim.TraceDelivered:
		line = fmt.Sprintf("n%d -> n%d  %s", r.From, r.Node, s.message(r.Message))
	case sim.TraceLost:
		line = fmt.Sprintf("n%d -x n%d  lost", r.From, r.Node)
	case sim.TraceEvent:
		line = fmt.Sprintf("n%d        * %s", r.Node, s.event(r.Event))
	default:
		return
	}
	fmt.Fprintf(&s.out, "%7.3fs  %s\n", float64(r.Time)/1e9, line)
}

func (s *teller) message(m protocol.Message) string {
	switch m := m.(type) {
	case *swim.Ping:
		return fmt.Sprintf("ping %d%s", m.Seq, s.updates(m.Updates))
	case *swim.Ack:
		return fmt.Sprintf("ack %d%s", m.Seq, s.updates(m.Updates))
	case *swim.PingReq:
		return fmt.Sprintf("ping_req %d %s%s", m.Seq, s.name(m.Target), s.updates(m.Updates))
	case *swim.Nack:
		return fmt.Sprintf("nack %d", m.Seq)
	case *swim.Gossip:
		return "gossip" + s.updates(m.Updates)
	case *swim.PushPull:
		return fmt.Sprintf("push_pull reply=%v, %d members", m.Reply, m.Table.Len())
	case *swim.StreamPing:
		return fmt.Sprintf("stream_ping %d", m.Seq)
	case *swim.StreamAck:
		return fmt.Sprintf("stream_ack %d", m.Seq)
	}
	return fmt.Sprintf("%T", m)
}

func (s *teller) updates(updates []swim.Update) string {
	out := ""
	for _, u := range updates {
		out += fmt.Sprintf(" [%s %s@%d]", s.name(u.Member.ID), u.Member.Status, u.Member.Incarnation)
	}
	return out
}

func (s *teller) event(e protocol.Event) string {
	for _, spec := range append(protocol.WorldEvents(), swim.Spec().Events...) {
		if spec.Kind != e.Kind {
			continue
		}
		out := spec.Name
		if e.Peer != 0 {
			out += " " + s.name(e.Peer)
		}
		if len(spec.Args) > 0 && spec.Args[0] != "model" {
			out += fmt.Sprintf(" %s=%d", spec.Args[0], e.Args[0])
		}
		return out
	}
	return fmt.Sprintf("event %#04x", uint16(e.Kind))
}

// TestTranscripts tells stories: testdata/transcripts/*.txt.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		story := &teller{}
		var rules []netmodel.RuleID
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "world" {
				story.c = tellingCluster(t, d, story)
				return ""
			}
			story.out.Reset()
			var refused error
			story.c.at(story.c.world.Now(), func(w *sim.Control) { refused = command(w, d, &rules) })
			d2 := time.Duration(0)
			if d.Cmd == "run" {
				must(t, parseDuration(d.CmdArgs[0].Key, &d2))
			}
			story.c.run(story.c.world.Now() + d2)
			if refused != nil {
				t.Fatal(refused)
			}
			return story.out.String()
		})
	})
}

func parseDuration(text string, into *time.Duration) (err error) {
	*into, err = time.ParseDuration(text)
	return err
}

func tellingCluster(t *testing.T, d *datadriven.TestData, story *teller) *cluster {
	o := options{config: converged(), tracer: story, network: netmodel.Config{Latency: netmodel.Constant{Delay: 10 * time.Millisecond}}}
	d.ScanArgs(t, "seed", &o.seed)
	d.ScanArgs(t, "nodes", &o.nodes)
	d.MaybeScanArgs(t, "bootstrap", &o.config.Bootstrap)
	o.config.PushPullInterval = 0
	c := newCluster(t, o)
	if o.config.Bootstrap != "join" {
		c.joinAll()
	}
	return c
}

func command(w *sim.Control, d *datadriven.TestData, rules *[]netmodel.RuleID) error {
	node := func(k int) int {
		var i int
		_, _ = fmt.Sscanf(d.CmdArgs[k].Key, "n%d", &i)
		return i
	}
	switch d.Cmd {
	case "run":
		return nil
	case "join":
		return w.Join(node(0), []int{0})
	case "crash":
		return w.Crash(node(0), sim.CrashHost)
	case "restart":
		return w.Restart(node(0), []int{0})
	case "leave":
		return w.Leave(node(0))
	case "cut":
		id, err := w.Network().Apply(netmodel.Rule{
			From: netmodel.Set{Nodes: []uint32{uint32(node(0))}}, To: netmodel.Set{Nodes: []uint32{uint32(node(1))}},
			Cut: true, Symmetric: true,
		})
		*rules = append(*rules, id)
		return err
	case "heal":
		for _, id := range *rules {
			if err := w.Network().Remove(id); err != nil {
				return err
			}
		}
		*rules = nil
		return nil
	}
	return fmt.Errorf("unknown command %q", d.Cmd)
}
