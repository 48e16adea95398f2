package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/starling-sim/starling/cmd/realnode/observe"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// heard are the texts of the last broadcasts that arrived, which the events of
// their arrival do not hold.
type heard struct {
	mu    sync.Mutex
	texts map[uint64]string // by the message's key; empty if it is no text
	order []uint64
}

// heardMost is for how many broadcasts somebody who watches may be behind.
const heardMost = 256

func (h *heard) add(m broadcast.Message) {
	const most = 200
	text := ""
	if len(m.Payload) <= most && printable(m.Payload) == string(m.Payload) {
		text = string(m.Payload)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.texts == nil {
		h.texts = map[uint64]string{}
	}
	if len(h.order) == heardMost {
		delete(h.texts, h.order[0])
		h.order = h.order[1:]
	}
	h.texts[m.ID.Key()] = text
	h.order = append(h.order, m.ID.Key())
}

func (h *heard) text(key uint64) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text, ok := h.texts[key]
	return text, ok
}

// payload is the text of a broadcast whose arrival is an event. The event comes
// before the message is handed on, but in the same turn of the loop.
func (p *parts) payload(ctx context.Context, e observe.Event) string {
	key, ok := e.Arg("message")
	if !ok || p.cfg.Lab.Enabled || !p.delivered[e.Name] {
		return ""
	}
	text, ok := p.heard.text(key)
	if !ok && p.node.Inspect(ctx, nothing) == nil {
		text, _ = p.heard.text(key)
	}
	return text
}

// hearBroadcasts remembers what arrives. In a lab there is too much of it, and
// nobody reads it.
func (p *parts) hearBroadcasts(ctx context.Context) {
	if p.cfg.Lab.Enabled {
		return
	}
	// A stack without broadcasts has nothing to hear.
	_ = p.onDeliver(ctx, p.heard.add)
}

// deliveries are the names of the events that a broadcast has arrived.
func deliveries(specs []protocol.Spec) map[string]bool {
	names := map[string]bool{}
	for _, s := range specs {
		for _, e := range s.Events {
			if e.Role == protocol.RoleDeliver {
				names[e.Name] = true
			}
		}
	}
	return names
}

// greet says who this node is and, on a terminal, connects it with the people
// in front of it.
func (r *running) greet(ctx context.Context) {
	about := []any{"node", r.id, "listen", r.listen, "transport", r.cfg.Transport.Kind}
	if at := r.inspector().address(r.id, nil); at != r.listen.String() {
		about = append(about, "reached_at", at)
	}
	if r.tunnel != nil {
		about = append(about, "keys", r.cfg.KeyFile())
	}
	data, admin := r.cfg.Path(r.cfg.Node.DataDir), r.admin
	if data == "" {
		data = "none"
	}
	if admin == "" {
		admin = "off"
	}
	r.log.Info("running", append(about, "data", data, "admin", admin, "stack", strings.Join(r.cfg.Stack, ","))...)
	r.warnOfMemory(ctx)
	if r.flags.untilEOF {
		go func() { // ends with the process: reading cannot be interrupted
			_, _ = io.Copy(io.Discard, r.stdin)
			r.askToLeave()
		}()
		return
	}
	in, ok := r.stdin.(*os.File)
	if r.flags.quiet || !ok || !term.IsTerminal(int(in.Fd())) {
		return
	}
	fmt.Fprintf(r.stdout, "This is node %s at %s. What you type is broadcast; Ctrl-C leaves.\n", r.id, r.listen)
	r.converse(ctx)
}

// converse broadcasts the lines of standard input and shows the broadcasts of
// others.
func (r *running) converse(ctx context.Context) {
	said := make(chan string, 64)
	err := r.onDeliver(ctx, func(m broadcast.Message) {
		select {
		case said <- fmt.Sprintf("%s: %s", m.ID.Origin, printable(m.Payload)):
		default: // who types has not kept up
		}
	})
	if err != nil {
		r.log.Warn("broadcasts are not shown", "error", err)
	}
	go func() {
		for {
			select {
			case text := <-said:
				fmt.Fprintln(r.stdout, text)
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { // ends with the process: reading a terminal cannot be interrupted
		n := r.inspector()
		lines := bufio.NewScanner(r.stdin)
		for lines.Scan() {
			if lines.Text() == "" {
				continue
			}
			if err := n.Broadcast(ctx, []byte(lines.Text())); err != nil {
				fmt.Fprintln(r.stderr, "not sent:", err)
			}
		}
	}()
}

// printable is a payload as one line of a terminal, which must not obey it.
func printable(payload []byte) string {
	const most = 500
	text := string(payload[:min(len(payload), most)])
	if !utf8.ValidString(text) {
		return fmt.Sprintf("%d bytes", len(payload))
	}
	quoted := fmt.Sprintf("%q", text)
	if len(payload) > most {
		return quoted + "..."
	}
	if plain := quoted[1 : len(quoted)-1]; plain == text {
		return text
	}
	return quoted
}
