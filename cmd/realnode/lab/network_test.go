package lab_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
)

func duration(rt *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(netmodel.MaxDelay)).Draw(rt, name))
}

func matrix(rt *rapid.T) *netmodel.Matrix {
	return rapid.SampledFrom([]*netmodel.Matrix{
		must(netmodel.LibP2P8()), must(netmodel.AWS2019()),
		{OneWay: [][]time.Duration{{1}}},
		{},
	}).Draw(rt, "matrix")
}

func latency(rt *rapid.T) netmodel.Latency {
	d := func(name string) time.Duration { return duration(rt, name) }
	switch rapid.IntRange(0, 5).Draw(rt, "latency") {
	case 0:
		return netmodel.Constant{Delay: d("delay")}
	case 1:
		return netmodel.Uniform{Min: d("min"), Max: d("max")}
	case 2:
		return netmodel.Normal{Mean: d("mean"), StdDev: d("deviation"), Min: d("min"), Max: d("max")}
	case 3:
		return netmodel.LogNormal{Median: d("median"), P90: d("p90"), Min: d("min"), Max: d("max")}
	case 4:
		return netmodel.RegionMatrix{Matrix: matrix(rt), Jitter: rapid.Uint64().Draw(rt, "jitter")}
	default:
		return netmodel.PairMatrix{Matrix: matrix(rt), Jitter: rapid.Uint64().Draw(rt, "jitter")}
	}
}

func gilbertElliott(rt *rapid.T) netmodel.GilbertElliott {
	return netmodel.GilbertElliott{
		MeanGood: duration(rt, "good"), MeanBad: duration(rt, "bad"),
		LossGood: rapid.Uint64().Draw(rt, "loss in good"), LossBad: rapid.Uint64().Draw(rt, "loss in bad"),
	}
}

func loss(rt *rapid.T) netmodel.Loss {
	switch rapid.IntRange(0, 2).Draw(rt, "loss") {
	case 0:
		return nil
	case 1:
		return netmodel.Independent{Probability: rapid.Uint64().Draw(rt, "probability")}
	default:
		return gilbertElliott(rt)
	}
}

// fill sets every other field of a struct, at random. It finds the fields by
// itself so that one that is added to netmodel is not forgotten here.
func fill(rt *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); f.Kind() {
		case reflect.Interface, reflect.Pointer:
		case reflect.Struct:
			fill(rt, f)
		case reflect.Bool:
			f.SetBool(rapid.Bool().Draw(rt, name))
		case reflect.String:
			f.SetString(rapid.String().Draw(rt, name))
		case reflect.Uint8, reflect.Uint32, reflect.Uint64:
			f.SetUint(rapid.Uint64().Draw(rt, name) >> (64 - f.Type().Bits()))
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(rapid.Int64().Draw(rt, name) >> (64 - f.Type().Bits()))
		case reflect.Slice:
			n := rapid.IntRange(-1, 2).Draw(rt, name)
			if n < 0 {
				continue // nil, which is not empty
			}
			f.Set(reflect.MakeSlice(f.Type(), n, n))
			for j := range n {
				switch e := f.Index(j); e.Kind() {
				case reflect.Struct:
					fill(rt, e)
				case reflect.String:
					e.SetString(rapid.String().Draw(rt, name))
				case reflect.Uint32:
					e.SetUint(uint64(rapid.Uint32().Draw(rt, name)))
				default:
					rt.Fatalf("%s: elements of an unknown kind %v", name, e.Kind())
				}
			}
		default:
			rt.Fatalf("%s: unknown kind %v", name, f.Kind())
		}
	}
}

func TestNetworkSurvivesTheWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var c netmodel.Config
		fill(rt, reflect.ValueOf(&c).Elem())
		c.Latency, c.Loss = latency(rt), loss(rt)
		var got lab.Network
		text := must(json.Marshal(lab.Network(c)))
		if err := json.Unmarshal(text, &got); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(netmodel.Config(got), c) {
			rt.Errorf("got\n%+v\nwant\n%+v\nby %s", got, c, text)
		}
	})
}

func TestRuleSurvivesTheWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var r netmodel.Rule
		fill(rt, reflect.ValueOf(&r).Elem())
		if rapid.Bool().Draw(rt, "bursts") {
			g := gilbertElliott(rt)
			r.Bursts = &g
		}
		text := string(must(json.Marshal(r)))
		got, err := lab.DecodeRule(strings.NewReader(text))
		if err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			rt.Errorf("got\n%+v\nwant\n%+v\nby %s", got, r, text)
		}
	})
}

func TestDescriptionsThatAreNoneAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "Latency",
		`{"Latency": {"Constant": {}, "Uniform": {}}}`:        "Latency",
		`{"Latency": {"Constant": {}}, "Loss": {}}`:           "Loss",
		`{"Latency": {"Constant": {}}, "Delay": 1}`:           `unknown field "Delay"`,
		`{"Latency": {"Constant": {"Dely": 1}}}`:              `unknown field "Dely"`,
		`{"Latency": {"Constant": {}}, "Seed": -1}`:           "Seed",
		`{"Latency": {"Constant": {}}, "Nodes": "seventeen"}`: "Nodes",
	} {
		var n lab.Network
		if err := json.Unmarshal([]byte(text), &n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", text, err, want)
		}
	}
	if _, err := json.Marshal(lab.Network{Nodes: 1}); err == nil {
		t.Error("a network without latency was encoded")
	}
	for _, text := range []string{``, `{"Cut": 1}`, `{"Cutt": true}`, `{}{}`, `{} x`, `[]`} {
		if r, err := lab.DecodeRule(strings.NewReader(text)); err == nil {
			t.Errorf("rule %q: got %+v, want an error", text, r)
		}
	}
}

// A network's description, as it is sent to the processes of a run.
func ExampleNetwork() {
	text, err := json.Marshal(lab.Network{
		Seed: 1, Nodes: 3,
		Latency: netmodel.Uniform{Min: 10 * time.Millisecond, Max: 20 * time.Millisecond},
		Loss:    netmodel.Independent{Probability: netmodel.Always / 10},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var description lab.Network
	if err := json.Unmarshal(text, &description); err != nil {
		fmt.Println(err)
		return
	}
	model, err := netmodel.New(netmodel.Config(description))
	fmt.Println(model.Nodes(), time.Duration(model.MinDelay()), err)
	// Output: 3 10ms <nil>
}
