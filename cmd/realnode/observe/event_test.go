package observe

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/swim"
)

func ExampleEvent_MarshalJSON() {
	catalog, err := NewCatalog([]protocol.Spec{swim.Spec()})
	if err != nil {
		fmt.Println(err)
		return
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b, err := json.Marshal(catalog.Event(began, protocol.Record{
		Time:  int64(1500 * time.Millisecond),
		Node:  0x5e1f,
		Event: protocol.Event{Kind: swim.EventSuspect, Peer: 0x07e4, Args: [3]uint64{4, 0x3d}},
	}))
	fmt.Println(string(b), err)
	// Output: {"time":"2026-01-02T03:04:06.5Z","node":"0000000000005e1f","name":"swim.suspect","peer":"00000000000007e4","args":{"incarnation":4,"accuser":"000000000000003d"}} <nil>
}

func TestAReaderGetsTheRecordsThatTheNodeHad(t *testing.T) {
	catalog := mustCatalog(t)
	var kinds []*kind
	for _, spec := range append(specs(), protocol.Spec{Events: protocol.WorldEvents()}) {
		for _, e := range spec.Events {
			kinds = append(kinds, catalog.kinds[e.Kind])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(t, "kind")
		want := protocol.Record{
			Time: rapid.Int64Range(0, int64(10*365*24*time.Hour)).Draw(t, "time"),
			Node: protocol.NodeID(rapid.Uint64().Draw(t, "node")),
			Event: protocol.Event{
				Kind: k.Kind,
				Peer: protocol.NodeID(rapid.Uint64().Draw(t, "peer")),
			},
		}
		for i := range k.Args {
			want.Event.Args[i] = rapid.Uint64().Draw(t, "arg")
		}
		began := time.Now() // with a monotonic reading, to be ignored
		b, err := json.Marshal(catalog.Event(began, want))
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		got, err := catalog.Record(began, e)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("got %+v, want %+v, by way of %s", got, want, b)
		}
	})
}

func TestARecordIsRefused(t *testing.T) {
	catalog := mustCatalog(t)
	for name, e := range map[string]Event{
		"of an unknown name":   {Name: "swim.dance"},
		"of missed events":     {Name: NameMissed, Args: []Arg{{Name: "count", Value: 1}}},
		"without its argument": {Name: "swim.left"},
	} {
		if r, err := catalog.Record(start, e); err == nil {
			t.Errorf("%s: got %+v, want an error", name, r)
		}
	}
}

func TestAnUnknownKindIsNamedByItsNumber(t *testing.T) {
	e := mustCatalog(t).Event(start, protocol.Record{Event: protocol.Event{Kind: 0xfe07, Args: [3]uint64{1, 2, 3}}})
	if e.Name != "unknown.0xfe07" || e.Args != nil {
		t.Errorf("got %+v", e)
	}
}

func TestACatalogIsRefused(t *testing.T) {
	event := func(kind protocol.EventKind, name string, role protocol.EventRole, args ...string) protocol.EventSpec {
		return protocol.EventSpec{Kind: kind, Name: name, Role: role, Args: args}
	}
	for name, events := range map[string][]protocol.EventSpec{
		"two of one kind":            {event(0x7701, "a.b", 0), event(0x7701, "a.c", 0)},
		"two of one name":            {event(0x7701, "a.b", 0), event(0x7702, "a.b", 0)},
		"a name of one part":         {event(0x7701, "a", 0)},
		"more arguments than fit":    {event(0x7701, "a.b", 0, "1", "2", "3", "4")},
		"a delivery without its two": {event(0x7701, "a.b", protocol.RoleDeliver, "key")},
	} {
		if _, err := NewCatalog([]protocol.Spec{{Events: events}}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// FuzzEvent: a client reads events from an address that somebody gave it.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-02T03:04:06.5Z","node":"0000000000005e1f","name":"swim.suspect","peer":"00000000000007e4","args":{"incarnation":4,"accuser":"000000000000003d"}}`))
	f.Add([]byte(`{"time":"2026-01-02T03:04:06Z","node":"0000000000000000","name":"world.network","args":{"fault":1,"fault":9007199254740992}}`))
	f.Add([]byte(`{"node":"0000000000000000","args":[1]}`))
	f.Add([]byte(`{"node":"0000000000000000","args":{"a":{"b":1}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			if y := e.Time.UTC().Year(); y < 0 || y > 9999 {
				return // RFC 3339 has no such years
			}
			t.Fatal(err)
		}
		var e2 Event
		if err := json.Unmarshal(again, &e2); err != nil {
			t.Fatalf("%v, in %s", err, again)
		}
		if len(e.Args) == 0 {
			e.Args = nil // an empty object is left out
		}
		if e.Time.Equal(e2.Time) {
			e.Time = e2.Time // zones go
		}
		if !reflect.DeepEqual(e, e2) {
			t.Fatalf("got %+v, want %+v", e2, e)
		}
	})
}
