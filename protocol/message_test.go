package protocol_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

// note is a message with a body of one byte.
type note struct{ b byte }

func (note) Kind() protocol.MessageKind { return 0x8001 }
func (note) Size() int                  { return 1 }
func (n note) Append(dst []byte) []byte { return append(dst, n.b) }
func decodeNote(body []byte) (protocol.Message, error) {
	if len(body) != 1 {
		return nil, protocol.ErrMalformed
	}
	return note{body[0]}, nil
}

func TestFrameRoundTrip(t *testing.T) {
	frame := protocol.AppendFrame([]byte("before"), note{9})
	frame, ok := bytes.CutPrefix(frame, []byte("before"))
	if !ok || !bytes.Equal(frame, []byte{1, 0x80, 0x01, 9}) {
		t.Fatalf("got frame % x", frame)
	}
	m, err := protocol.Decoders{0x8001: decodeNote}.Decode(frame)
	if err != nil || m != (note{9}) {
		t.Fatalf("Decode = %v, %v", m, err)
	}
}

func TestDecodeSaysWhy(t *testing.T) {
	d := protocol.Decoders{0x8001: decodeNote}
	for _, c := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"empty", nil, protocol.ErrMalformed},
		{"short", []byte{1, 0x80}, protocol.ErrMalformed},
		{"other version", []byte{2, 0x80, 1, 9}, protocol.ErrVersion},
		{"unknown kind", []byte{1, 0x80, 2, 9}, protocol.ErrUnknownKind},
		{"bad body", []byte{1, 0x80, 1, 9, 9}, protocol.ErrMalformed},
	} {
		if _, err := d.Decode(c.frame); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestKindsCarryTheirProtocol(t *testing.T) {
	if got := (note{}).Kind().Protocol(); got != 0x80 {
		t.Errorf("message: got %#x", got)
	}
	if got := protocol.TimerKind(0x0203).Protocol(); got != 2 {
		t.Errorf("timer: got %#x", got)
	}
	if got := protocol.EventKind(0x0203).Protocol(); got != 2 {
		t.Errorf("event: got %#x", got)
	}
	if got := protocol.CommandKind(0x0203).Protocol(); got != 2 {
		t.Errorf("command: got %#x", got)
	}
}

func TestWorldEventsAreNamedOnce(t *testing.T) {
	names, kinds := map[string]bool{}, map[protocol.EventKind]bool{}
	for _, e := range protocol.WorldEvents() {
		if e.Kind.Protocol() != 0 || names[e.Name] || kinds[e.Kind] || e.Doc == "" {
			t.Errorf("event %s (%#04x): number not 0, taken, or not documented", e.Name, uint16(e.Kind))
		}
		names[e.Name], kinds[e.Kind] = true, true
	}
	if !kinds[protocol.EventStoreFailed] || len(kinds) != int(protocol.EventStoreFailed) {
		t.Errorf("got %d world events, want all of 1 to %d", len(kinds), protocol.EventStoreFailed)
	}
}

func TestBatchKeepsOrder(t *testing.T) {
	var b protocol.Batch
	b.Set([]byte("a"), []byte("1"))
	b.Delete([]byte("a"))
	b.Set([]byte("b"), nil)
	w := b.Writes()
	if len(w) != 3 || w[0].Delete || !w[1].Delete || string(w[2].Key) != "b" || w[2].Delete {
		t.Errorf("got %+v", w)
	}
	b.Reset()
	if len(b.Writes()) != 0 {
		t.Errorf("after Reset: got %d writes", len(b.Writes()))
	}
}
