package mst

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

func TestAnswerKnowsOtherTrees(t *testing.T) {
	p := MustProfile(Options{})
	a, b := buildNo(p, nil, 500), buildNo(p, nil, 600)
	for _, w := range NewPuller(New(p, nil), a.Root(), PullOptions{}).Next(1) {
		if _, ok := b.Answer(nil, w); ok {
			t.Errorf("another tree answered")
		}
		w.Form, w.Indices = FormSlots, []uint16{60_000}
		if got, ok := a.Answer([]byte("before"), w); ok {
			t.Errorf("got %x for entries that are not there", got)
		}
	}
}

func TestWantSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Want{Form: Form(rapid.IntRange(1, 3).Draw(t, "form"))}
		copy(w.ID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "id"))
		if rapid.Bool().Draw(t, "after") {
			w.After = rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "key")
			if w.After == nil {
				w.After = []byte{}
			}
		}
		if w.Form == FormSlots {
			w.Indices = rapid.SliceOfNDistinct(rapid.Uint16(), 1, 50, rapid.ID[uint16]).Draw(t, "indices")
			slices.Sort(w.Indices)
		}
		b := w.Append(nil)
		if len(b) != w.Size() {
			t.Fatalf("got %d bytes, want %d", len(b), w.Size())
		}
		r := wire.NewReader(b)
		got := ReadWant(&r)
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		if got.ID != w.ID || got.Form != w.Form || !bytes.Equal(got.After, w.After) ||
			(got.After == nil) != (w.After == nil) || !slices.Equal(got.Indices, w.Indices) {
			t.Fatalf("got %+v, want %+v", got, w)
		}
		for n := range len(b) {
			r := wire.NewReader(b[:n])
			ReadWant(&r)
			if err := r.Finish(); !errors.Is(err, protocol.ErrMalformed) {
				t.Fatalf("cut to %d of %d bytes: got %v, want ErrMalformed", n, len(b), err)
			}
		}
	})
}
