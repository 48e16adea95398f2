package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/starling-sim/starling/netmodel"
)

// Network is a network's description that travels as JSON: what runs the lab
// sends it to each process, which makes its model of it with netmodel.New.
//
// It reads as the fields of netmodel.Config do, durations in nanoseconds and
// probabilities out of 2^64, but for Latency and Loss: there, one key says which
// model it is.
//
//	{"Seed": 1, "Nodes": 3, "Latency": {"Constant": {"Delay": 1000000}}, "Loss": {"Independent": {"Probability": 1844674407370955161}}}
//
// Integers go beyond 2^53; a reader that takes numbers for floating point loses
// something. A netmodel.Rule needs no description of its own: package json
// writes and reads it as it is (see [DecodeRule]).
type Network netmodel.Config

// plain has the fields of a Network and none of its methods.
type plain Network

// wireNetwork is a Network as JSON: its own fields stand before those of the
// embedded one.
type wireNetwork struct {
	plain
	Latency wireLatency
	Loss    *wireLoss `json:",omitempty"`
}

// wireLatency and wireLoss have one field that is not nil.
type wireLatency struct {
	Constant     *netmodel.Constant     `json:",omitempty"`
	Uniform      *netmodel.Uniform      `json:",omitempty"`
	Normal       *netmodel.Normal       `json:",omitempty"`
	LogNormal    *netmodel.LogNormal    `json:",omitempty"`
	RegionMatrix *netmodel.RegionMatrix `json:",omitempty"`
	PairMatrix   *netmodel.PairMatrix   `json:",omitempty"`
}

type wireLoss struct {
	Independent    *netmodel.Independent    `json:",omitempty"`
	GilbertElliott *netmodel.GilbertElliott `json:",omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (n Network) MarshalJSON() ([]byte, error) {
	w := wireNetwork{plain: plain(n)}
	switch l := n.Latency.(type) {
	case netmodel.Constant:
		w.Latency.Constant = &l
	case netmodel.Uniform:
		w.Latency.Uniform = &l
	case netmodel.Normal:
		w.Latency.Normal = &l
	case netmodel.LogNormal:
		w.Latency.LogNormal = &l
	case netmodel.RegionMatrix:
		w.Latency.RegionMatrix = &l
	case netmodel.PairMatrix:
		w.Latency.PairMatrix = &l
	default:
		return nil, fmt.Errorf("encode network description: Latency: got %T, want a model of package netmodel", l)
	}
	switch l := n.Loss.(type) {
	case nil:
	case netmodel.Independent:
		w.Loss = &wireLoss{Independent: &l}
	case netmodel.GilbertElliott:
		w.Loss = &wireLoss{GilbertElliott: &l}
	default:
		return nil, fmt.Errorf("encode network description: Loss: got %T, want nil or a model of package netmodel", l)
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode network description: %w", err)
	}
	return b, nil
}

// UnmarshalJSON implements json.Unmarshaler. Unknown fields are errors; whether
// the values make sense is for netmodel.New to say.
func (n *Network) UnmarshalJSON(b []byte) error {
	var w wireNetwork
	if err := decodeStrictly(bytes.NewReader(b), &w); err != nil {
		return fmt.Errorf("decode network description: %w", err)
	}
	latency, err := w.Latency.model()
	if err != nil {
		return fmt.Errorf("decode network description: Latency: %w", err)
	}
	loss, err := w.Loss.model()
	if err != nil {
		return fmt.Errorf("decode network description: Loss: %w", err)
	}
	*n = Network(w.plain)
	n.Latency, n.Loss = latency, loss
	return nil
}

var errNotOne = errors.New("got none or several models, want one")

func (w *wireLatency) model() (netmodel.Latency, error) {
	var found []netmodel.Latency
	if w.Constant != nil {
		found = append(found, *w.Constant)
	}
	if w.Uniform != nil {
		found = append(found, *w.Uniform)
	}
	if w.Normal != nil {
		found = append(found, *w.Normal)
	}
	if w.LogNormal != nil {
		found = append(found, *w.LogNormal)
	}
	if w.RegionMatrix != nil {
		found = append(found, *w.RegionMatrix)
	}
	if w.PairMatrix != nil {
		found = append(found, *w.PairMatrix)
	}
	if len(found) != 1 {
		return nil, errNotOne
	}
	return found[0], nil
}

func (w *wireLoss) model() (netmodel.Loss, error) {
	switch {
	case w == nil:
		return nil, nil
	case w.Independent != nil && w.GilbertElliott == nil:
		return *w.Independent, nil
	case w.GilbertElliott != nil && w.Independent == nil:
		return *w.GilbertElliott, nil
	}
	return nil, errNotOne
}

// DecodeRule reads a rule that json.Marshal wrote. Unknown fields and anything
// after the rule are errors; whether the values make sense is for [Shim.Apply]
// to say. It reads all there is: the caller bounds that.
func DecodeRule(r io.Reader) (netmodel.Rule, error) {
	var rule netmodel.Rule
	if err := decodeStrictly(r, &rule); err != nil {
		return netmodel.Rule{}, fmt.Errorf("decode network rule: %w", err)
	}
	return rule, nil
}

func decodeStrictly(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("got more than one value")
	}
	return nil
}
