package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// FuzzShown: what others write and people read is one line that a terminal does
// not obey: payloads of broadcasts, and contacts that membership carries.
func FuzzShown(f *testing.F) {
	f.Add([]byte("hello, everybody"))
	f.Add([]byte("\x1b]0;owned\x07"))
	f.Add([]byte{127, 0, 0, 1, 0x1b, 0x59})
	f.Add([]byte(strings.Repeat("é", 300)))
	f.Add([]byte("a\u202eb\u2028"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h heard
		m := broadcast.Message{ID: broadcast.ID{Origin: protocol.NodeID(1)}, Payload: b}
		h.add(m)
		kept, _ := h.text(m.ID.Key())
		for _, shown := range []string{printable(b), kept, plainAddress(b)} {
			if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is shown as %q", b, shown)
			}
		}
		if kept != "" && kept != string(b) {
			t.Errorf("kept %q of %q", kept, b)
		}
	})
}
