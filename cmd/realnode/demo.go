package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

type demoFlags struct {
	nodes           int
	wireguard, json bool
	stay            time.Duration
}

func newDemoCommand(a *app) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use: "demo", Short: "Start a cluster here, broadcast, kill a node, and show what the others make of it",
		Long: `Start a cluster of processes on loopback, wait until all know each other,
broadcast a text, kill a node and show when the others notice. What the nodes keep
is in a temporary directory, which is removed in the end, or by the next demo if this
one is killed.`,
		Example: "  realnode demo\n  realnode demo --nodes 20 --wireguard\n  realnode demo --for 5m     # and keep it to look around",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.nodes < 3 || f.nodes > 100 {
				return usagef("--nodes: got %d, want 3 to 100", f.nodes)
			}
			d := &demo{demoFlags: f, out: a.stdout}
			return d.run(cmd.Context())
		},
	}
	c.Flags().IntVar(&f.nodes, "nodes", 7, "how many")
	c.Flags().BoolVar(&f.wireguard, "wireguard", false, "talk through WireGuard")
	c.Flags().BoolVar(&f.json, "json", false, "print a line of JSON for each thing that happens and nothing else")
	c.Flags().DurationVar(&f.stay, "for", 0, "keep the nodes for as long afterwards, to look at them")
	return c
}

// demo tells the story. The cluster is in democluster.go.
type demo struct {
	demoFlags
	out io.Writer
	cluster
}

// line is what --json prints of a step.
type line struct {
	Step    string  `json:"step"`
	Node    string  `json:"node,omitempty"`
	ID      string  `json:"id,omitempty"`
	Address string  `json:"address,omitempty"`
	PID     int     `json:"pid,omitempty"`
	Links   int     `json:"links,omitempty"`
	Hops    uint64  `json:"hops,omitempty"`
	Count   int     `json:"count,omitempty"`
	AfterMS float64 `json:"after_ms,omitempty"`
}

// tell shows a step: to programs as a line of JSON, to people as text.
func (d *demo) tell(l line, format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.out, format, args...)
		return
	}
	_ = json.NewEncoder(d.out).Encode(l) // standard output has gone if this fails
}

// remark is for people only.
func (d *demo) remark(format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.out, format, args...)
	}
}

const (
	meetPatience   = time.Minute
	spreadPatience = 20 * time.Second
	noticePatience = time.Minute
)

func (d *demo) run(ctx context.Context) (err error) {
	for _, stale := range removeStaleDemos(os.TempDir()) {
		d.remark("Removed %s, which a demo that was killed had left.\n", stale)
	}
	dir, lock, err := makeDemoDir(os.TempDir())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	d.cluster = cluster{dir: dir, lock: lock, seen: make(chan sighting, 4096), fail: cancel}
	defer func() {
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx) // what it failed of
		}
		d.endAll(err == nil)
		cancel(nil)
		d.watchers.Wait()
		err = errors.Join(err, os.RemoveAll(dir), closeLock(lock))
	}()
	for _, act := range []func(context.Context) error{d.meet, d.introduce, d.spread, d.lose, d.linger} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	d.tell(line{Step: "end"}, "\nThe others say goodbye. Nothing stays behind.\n")
	return nil
}

// meet starts the nodes, all of which know the first, and waits until all know
// all.
func (d *demo) meet(ctx context.Context) error {
	over := "plain UDP and TCP"
	if d.wireguard {
		over = "WireGuard tunnels, with keys and a secret made just now"
	}
	d.remark("%d nodes on this machine, each a process, over %s.\n", d.nodes, over)
	began := time.Now()
	if err := d.startAll(ctx, d.nodes, d.wireguard); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, meetPatience, errors.New("the nodes did not find each other in time"))
	defer cancel()
	if err := d.untilAllKnow(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	d.tell(line{Step: "met", Count: d.nodes, AfterMS: millis(took)}, "All know all after %s.\n\n", short(took))
	return d.untilAllWatched(ctx)
}

func (d *demo) introduce(ctx context.Context) error {
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', 0)
	if !d.json {
		fmt.Fprintln(w, "  NODE\tIDENTITY\tADDRESS\tPROCESS\tLINKS")
	}
	for _, n := range d.members {
		s, err := n.client.Status(ctx)
		if err != nil {
			return err
		}
		v, err := n.client.View(ctx)
		if err != nil {
			return err
		}
		var names []string
		for _, l := range v.Active {
			names = append(names, d.name(l.ID))
		}
		if d.json {
			d.tell(line{Step: "member", Node: n.name, ID: s.ID, Address: s.Listen, PID: s.PID, Links: len(names)}, "")
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%d\t%s\n", n.name, s.ID, s.Listen, s.PID, strings.Join(names, " "))
	}
	return w.Flush()
}

// spread broadcasts a text.
func (d *demo) spread(ctx context.Context) error {
	const text = "Hello, everybody!"
	from := d.members[0]
	d.remark("\n%s broadcasts %q.\n", from.name, text)
	ctx, cancel := context.WithTimeoutCause(ctx, spreadPatience, errors.New("the broadcast did not arrive everywhere in time"))
	defer cancel()
	if err := from.client.Broadcast(ctx, []byte(text)); err != nil {
		return err
	}
	var began time.Time
	arrived := map[*member]sighting{}
	for began.IsZero() || len(arrived) < len(d.members)-1 {
		s, err := d.next(ctx)
		if err != nil {
			return err
		}
		switch {
		case s.Name == "plumtree.broadcast" && s.member == from:
			began = s.at
		case s.Name == "plumtree.deliver" && s.Payload == text:
			arrived[s.member] = s
		}
	}
	order := slices.SortedFunc(maps.Values(arrived), func(a, b sighting) int { return a.at.Compare(b.at) })
	for _, s := range order {
		after := s.at.Sub(began)
		d.tell(line{Step: "arrived", Node: s.member.name, Hops: s.Args[1], AfterMS: millis(after)}, "  %8s  at %s, from %s, %s\n",
			short(after), s.member.name, d.name(s.Peer), plural(int(s.Args[1]), "hop"))
	}
	last := order[len(order)-1].at.Sub(began)
	d.tell(line{Step: "spread", Count: len(order), AfterMS: millis(last)}, "It arrived at all %d others within %s.\n", len(order), short(last))
	return nil
}

// lose kills a node and waits until all others believe it dead.
func (d *demo) lose(ctx context.Context) error {
	victim := d.members[len(d.members)/2]
	began := time.Now()
	if err := victim.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", victim.name, err)
	}
	d.tell(line{Step: "killed", Node: victim.name, ID: victim.id}, "\n%s is killed, and cannot say goodbye.\n", victim.name)
	ctx, cancel := context.WithTimeoutCause(ctx, noticePatience, fmt.Errorf("not all noticed in time that %s was killed", victim.name))
	defer cancel()
	suspected, sure := map[*member]bool{}, map[*member]bool{}
	var last time.Duration
	for len(sure) < len(d.members)-1 {
		s, err := d.next(ctx)
		if err != nil {
			return err
		}
		after := s.at.Sub(began)
		switch {
		case s.Peer != victim.id || s.member == victim:
		case s.Name == "swim.suspect" && !suspected[s.member]:
			suspected[s.member] = true
			d.tell(line{Step: "suspected", Node: s.member.name, AfterMS: millis(after)}, "  %8s  %s suspects it\n", short(after), s.member.name)
		case s.Name == "swim.confirm_dead" && !sure[s.member]:
			sure[s.member] = true
			last = max(last, after)
			d.tell(line{Step: "noticed", Node: s.member.name, AfterMS: millis(after)}, "  %8s  %s is sure\n", short(after), s.member.name)
		}
	}
	d.tell(line{Step: "lost", Node: victim.name, Count: len(sure), AfterMS: millis(last)}, "All %d others know it after %s.\n", len(sure), short(last))
	return nil
}

// linger leaves the nodes to who wants to look at them.
func (d *demo) linger(ctx context.Context) error {
	if d.stay <= 0 {
		return nil
	}
	d.remark("\nThe nodes stay for %s, or until Ctrl-C. To look at one:\n\n", d.stay)
	for _, command := range []string{"members", "watch"} {
		d.remark("  realnode %s --data %s\n", command, d.members[0].dir)
	}
	d.tell(line{Step: "stay", Address: d.dir}, "")
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d.stay):
		return nil
	}
}

func (d *demo) name(id string) string {
	for _, m := range d.members {
		if m.id == id {
			return m.name
		}
	}
	return id
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// short is a duration to three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", millis(d))
	}
	return fmt.Sprintf("%.1f ms", millis(d))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sighting is an event of a node, with the wall clock's time.
type sighting struct {
	*member
	admin.Event
	at time.Time
}
