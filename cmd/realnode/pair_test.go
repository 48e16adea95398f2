//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// pair is two processes.
type pair struct {
	kind, secret string // transport, and file
	nodes        []*pairNode
}

type pairNode struct {
	command *exec.Cmd
	leave   func() error
	client  *admin.Client
	status  admin.Status
	address netip.AddrPort
	log     string
}

// startPair starts two nodes at addresses of a network and waits until they have
// met.
func startPair(t *testing.T, kind string, network netip.Addr) *pair {
	t.Helper()
	dir, err := os.MkdirTemp("", "pair") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &pair{kind: kind, secret: filepath.Join(dir, "secret")}
	args := []string{"run", "--quiet", "--until-eof", "--transport", kind}
	if kind == "wireguard" {
		if err := writeSecret(p.secret); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--secret", p.secret)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at := network
	for i := range 2 {
		at = at.Next()
		data := filepath.Join(dir, fmt.Sprint(i))
		n := p.start(t, data, append(args, "--listen", at.String()+":0", "--data", data))
		if err := until(ctx, func() bool { n.status, err = n.client.Status(ctx); return err == nil }); err != nil {
			t.Fatalf("%v; it says:\n%s", err, lastLines(n.log))
		}
		if n.address, err = netip.ParseAddrPort(n.status.Listen); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--join", n.status.Listen)
	}
	for _, n := range p.nodes {
		if err := until(ctx, func() bool {
			s, err := n.client.Status(ctx)
			return err == nil && s.Members == 2 && s.Links == 1
		}); err != nil {
			t.Fatal("the two do not meet: ", err)
		}
	}
	return p
}

func (p *pair) start(t *testing.T, data string, args []string) *pairNode {
	t.Helper()
	program, err := exec.LookPath("realnode")
	if err != nil {
		t.Fatal(err)
	}
	n := &pairNode{command: exec.Command(program, args...), log: data + ".log", client: admin.NewClient(unixPrefix+filepath.Join(data, socketName), "")}
	n.command.Env = append(os.Environ(), "STARLING_PROTOCOL_SWIM_PROBE_INTERVAL=200ms", "STARLING_PROTOCOL_SWIM_PROBE_TIMEOUT=150ms",
		"STARLING_PROTOCOL_SWIM_LEAVE_DURATION=300ms")
	log, err := os.Create(n.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.command.Stderr = log
	stdin, err := n.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
	n.leave = stdin.Close
	t.Cleanup(func() {
		_ = n.command.Process.Kill()
		_ = n.command.Wait()
		n.client.Close()
	})
	p.nodes = append(p.nodes, n)
	return n
}

// deliver broadcasts a text at one of the nodes and waits until the other has it.
func (p *pair) deliver(t *testing.T, from int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	heard := errors.New("heard")
	asked := false
	err := p.nodes[1-from].client.Events(ctx, []string{"swim.probe", "plumtree.deliver"}, func(e admin.Event) error {
		if !asked { // the first probe tells that the subscription stands
			asked = true
			if err := p.nodes[from].client.Broadcast(ctx, []byte(text)); err != nil {
				return err
			}
		}
		if e.Payload == text {
			return heard
		}
		return nil
	})
	if !errors.Is(err, heard) {
		t.Fatalf("the text did not arrive: %v", err)
	}
}

// end has both nodes say goodbye.
func (p *pair) end(t *testing.T) {
	t.Helper()
	for _, n := range p.nodes {
		_ = n.leave()
	}
	for _, n := range p.nodes {
		late := time.AfterFunc(patience, func() { _ = n.command.Process.Kill() })
		if err := n.command.Wait(); err != nil {
			t.Errorf("end a node: %v; it says:\n%s", err, lastLines(n.log))
		}
		late.Stop()
	}
}
