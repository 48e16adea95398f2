package lab_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// FuzzDecodeRule: a rule has one meaning, and the network either refuses it or
// lets messages through under it, each with a time that lies ahead.
func FuzzDecodeRule(f *testing.F) {
	f.Add(string(must(json.Marshal(cutOff(1)))))
	f.Add(string(must(json.Marshal(netmodel.Rule{Bursts: &netmodel.GilbertElliott{}}))))
	f.Add(`{"From":{"Nodes":[0,1]},"To":{"Share":9223372036854775808},"Symmetric":true,"Delay":1000000,"Jitter":5,"Reorder":9,"ReorderDelay":7,"Bandwidth":9000,"Queue":1500}`)
	f.Add(`{"Bursts":{"MeanGood":1000000000,"MeanBad":100000000,"LossBad":18446744073709551615},"Loss":1,"Corrupt":1,"Duplicate":1,"Stream":3}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := lab.DecodeRule(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := lab.DecodeRule(strings.NewReader(string(must(json.Marshal(r)))))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("got %+v (%v), want %+v", again, err, r)
		}
		model := must(netmodel.New(rough(4)))
		id, err := model.Apply(r)
		if err != nil {
			return
		}
		for k := range uint32(20) {
			p := netmodel.Packet{From: k % 4, To: (k + 1 + k/4%3) % 4, K: k, Now: int64(k) * int64(time.Second), Size: 100}
			var fate netmodel.Fate
			if model.Datagram(&p, &fate); fate.Lost == netmodel.Delivered && fate.Delay < model.MinDelay() {
				t.Errorf("a datagram takes %d ns, want at least %d", fate.Delay, model.MinDelay())
			}
			if d, ok := model.StreamConnect(p.From, p.To, p.Now, k); ok && d < 0 {
				t.Errorf("opening a stream takes %d ns", d)
			}
			if d, ok := model.StreamTransmit(p.From, p.To, 5000, p.Now, int64(time.Minute), k); ok && d < 0 {
				t.Errorf("a stream's message takes %d ns", d)
			}
		}
		if err := model.Remove(id); err != nil {
			t.Error(err)
		}
	})
}

// FuzzWorld: what is read as a world is written and read again as the same one,
// and makes a network or is refused.
func FuzzWorld(f *testing.F) {
	path := filepath.Join(f.TempDir(), "world")
	text := func(w *lab.World) string { return string(must(json.Marshal(w))) }
	for _, network := range []netmodel.Config{constant(2), rough(3)} {
		w := &lab.World{Network: lab.Network(network), Seed: 1, Epoch: 2, StreamTimeout: time.Second}
		for i := range network.Nodes {
			w.Nodes = append(w.Nodes, idOf(i))
		}
		if err := w.Write(path); err != nil {
			f.Fatal(err)
		}
		must(lab.ReadWorld(path))
		f.Add(text(w))
	}
	f.Fuzz(func(t *testing.T, source string) {
		w, err := lab.DecodeWorld(strings.NewReader(source))
		if err != nil {
			return
		}
		first := text(w)
		again, err := lab.DecodeWorld(strings.NewReader(first))
		if err != nil || text(again) != first {
			t.Fatalf("got %v, want %s again", err, first)
		}
		_ = w.NodeSeed()
		index := w.Index()
		for _, id := range w.Nodes {
			if i, ok := index(id); !ok || i >= len(w.Nodes) || w.Nodes[i] != id {
				t.Errorf("node %v: got index %d, %v", id, i, ok)
			}
		}
		model, err := w.Model()
		if err != nil {
			return
		}
		// A shim says no to a world that is wrong for it.
		s, err := lab.New(lab.Config{
			Self: w.Self, Index: index, Model: model, Lower: nowhere{}, Now: w.Now,
			Deliver: func(protocol.NodeID, []byte) {}, Broken: func(protocol.NodeID) {},
			StreamTimeout: w.StreamTimeout, StreamIdle: w.StreamIdle, FirstK: w.FirstK(),
		})
		if err != nil {
			return
		}
		s.Close()
	})
}

// nowhere is a transport that carries nothing.
type nowhere struct{}

func (nowhere) MaxDatagram() int                   { return maxFrame }
func (nowhere) Send(protocol.NodeID, []byte)       {}
func (nowhere) SendStream(protocol.NodeID, []byte) {}
