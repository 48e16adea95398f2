package stack_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// part is a protocol that writes down what reaches it.
type part struct {
	name  string
	log   *[]string
	stays time.Duration
}

func (p *part) Start(protocol.Env) { *p.log = append(*p.log, p.name+" start") }
func (p *part) Receive(_ protocol.Env, _ protocol.NodeID, m protocol.Message) {
	*p.log = append(*p.log, fmt.Sprintf("%s receive %#04x", p.name, uint16(m.Kind())))
}

func (p *part) Timer(_ protocol.Env, t protocol.Timer) {
	*p.log = append(*p.log, fmt.Sprintf("%s timer %#04x", p.name, uint16(t.Kind)))
}

func (p *part) Leave(protocol.Env) time.Duration {
	*p.log = append(*p.log, p.name+" leave")
	return p.stays
}

// talker also takes commands and hears of broken streams.
type talker struct{ part }

func (p *talker) Command(_ protocol.Env, c protocol.Command) error {
	*p.log = append(*p.log, fmt.Sprintf("%s command %#04x", p.name, uint16(c.Kind)))
	return nil
}

func (p *talker) StreamBroken(protocol.Env, protocol.NodeID) {
	*p.log = append(*p.log, p.name+" stream broken")
}

type message protocol.MessageKind

func (m message) Kind() protocol.MessageKind { return protocol.MessageKind(m) }
func (message) Size() int                    { return 0 }
func (message) Append(b []byte) []byte       { return b }

var errNeedsBase = errors.New("needs base below it")

func specs(log *[]string) (base, top protocol.Spec) {
	base = protocol.Spec{
		Name: "base", Number: 0x80,
		NewConfig: func() any { return new(int) },
		NewBuilder: func(any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) {
				return &part{name: "base", log: log, stays: time.Second}, nil
			}
		},
		Messages: []protocol.MessageSpec{{
			Kind: 0x8001, Name: "base.hello",
			Decode: func([]byte) (protocol.Message, error) { return message(0x8001), nil },
		}},
	}
	top = protocol.Spec{
		Name: "top", Number: 0x81,
		NewConfig: func() any { return new(int) },
		Check: func(c any) error {
			if *c.(*int) > 9 {
				return errors.New("size: got more than 9")
			}
			return nil
		},
		NewBuilder: func(any) protocol.Builder {
			return func(lower []protocol.Protocol) (protocol.Protocol, error) {
				if len(lower) == 0 {
					return nil, errNeedsBase
				}
				return &talker{part{name: "top", log: log, stays: 2 * time.Second}}, nil
			}
		},
	}
	return base, top
}

func mustRegistry(t *testing.T, specs ...protocol.Spec) *stack.Registry {
	t.Helper()
	r, err := stack.NewRegistry(specs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNodeRoutesByProtocolNumber(t *testing.T) {
	var log []string
	base, top := specs(&log)
	st, err := mustRegistry(t, base, top).New([]string{"base", "top"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := st.Build()
	if err != nil {
		t.Fatal(err)
	}
	n.Start(nil)
	n.Receive(nil, 1, message(0x8001))
	n.Receive(nil, 1, message(0x8101))
	n.Receive(nil, 1, message(0x8201)) // nobody's: dropped
	n.Timer(nil, protocol.Timer{Kind: 0x8105})
	n.(protocol.StreamBreakHandler).StreamBroken(nil, 1)
	commands := n.(protocol.CommandHandler)
	if err := commands.Command(nil, protocol.Command{Kind: 0x8107}); err != nil {
		t.Error(err)
	}
	for _, kind := range []protocol.CommandKind{0x8001, 0x8201} {
		if err := commands.Command(nil, protocol.Command{Kind: kind}); err == nil {
			t.Errorf("command %#04x: accepted, though nobody takes it", uint16(kind))
		}
	}
	if got := n.(protocol.Leaver).Leave(nil); got != 2*time.Second {
		t.Errorf("Leave: got %v, want that of the slowest, 2s", got)
	}
	want := "base start, top start, base receive 0x8001, top receive 0x8101, top timer 0x8105, " +
		"top stream broken, top command 0x8107, top leave, base leave"
	if got := strings.Join(log, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := st.Decoders().Decode([]byte{protocol.FrameVersion, 0x80, 0x01}); err != nil {
		t.Error(err)
	}
}

func TestOneProtocolIsItself(t *testing.T) {
	var log []string
	base, _ := specs(&log)
	st, err := mustRegistry(t, base).New([]string{"base"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := st.Build(); err != nil {
		t.Fatal(err)
	} else if _, ok := p.(*part); !ok {
		t.Errorf("got %T, want the protocol without a router around it", p)
	}
}

func TestNewRefusesWhatDoesNotFit(t *testing.T) {
	var log []string
	base, top := specs(&log)
	r := mustRegistry(t, base, top)
	ten := 10
	for _, c := range []struct {
		names   []string
		configs map[string]any
		want    string
	}{
		{nil, nil, "no protocol named"},
		{[]string{"bse"}, nil, `unknown protocol "bse", want some of base, top`},
		{[]string{"base", "base"}, nil, "named twice"},
		{[]string{"top"}, nil, "needs base below it"},
		{[]string{"base", "top"}, map[string]any{"top": &ten}, "configure top: size: got more than 9"},
	} {
		if _, err := r.New(c.names, c.configs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("stack %v: got %v, want an error with %q", c.names, err, c.want)
		}
	}
}

func TestRegistryRefusesClashes(t *testing.T) {
	var log []string
	base, top := specs(&log)
	sameNumber := top
	sameNumber.Number = base.Number
	foreignKind := top
	foreignKind.Timers = []protocol.TimerSpec{{Kind: 0x8001, Name: "top.tick"}}
	twice := top
	twice.Events = []protocol.EventSpec{{Kind: 0x8101, Name: "top.a"}, {Kind: 0x8101, Name: "top.b"}}
	foreignName := top
	foreignName.Commands = []protocol.CommandSpec{{Kind: 0x8101, Name: "base.put"}}
	badName := top
	badName.Name = "Top"
	noDecoder := top
	noDecoder.Messages = []protocol.MessageSpec{{Kind: 0x8101, Name: "top.m"}}
	for _, c := range []struct {
		specs []protocol.Spec
		want  string
	}{
		{[]protocol.Spec{base, base}, "the name is taken"},
		{[]protocol.Spec{base, sameNumber}, "number 128 belongs to base"},
		{[]protocol.Spec{foreignKind}, "want high byte 0x81"},
		{[]protocol.Spec{twice}, "which is taken"},
		{[]protocol.Spec{foreignName}, `want a name that begins with "top."`},
		{[]protocol.Spec{badName}, "want lower case"},
		{[]protocol.Spec{noDecoder}, "no decoder"},
		{[]protocol.Spec{{Name: "empty", Number: 0x90}}, "must be set"},
	} {
		if _, err := stack.NewRegistry(c.specs...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
