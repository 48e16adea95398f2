package real

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

// configure writes the files that a process is started with, and returns the name
// of its configuration.
func (n *node) configure(life int, seeds []int) (string, error) {
	w := &lab.World{
		Network: n.description, Nodes: n.ids, Self: n.index, Life: life, Seed: n.scenario.Seed, Held: true,
		StreamTimeout: n.scenario.Network.StreamTimeout.Std(), StreamIdle: n.scenario.Network.StreamIdle.Std(),
	}
	if w.StreamIdle == 0 {
		w.StreamIdle = -1 // for ever
	}
	if err := w.Write(n.path(".json")); err != nil {
		return "", err
	}
	file := n.path(".toml")
	return file, os.WriteFile(file, []byte(n.configuration(seeds)), 0o600)
}

func (n *node) configuration(seeds []int) string {
	quoted := make([]string, len(seeds))
	for k, i := range seeds {
		quoted[k] = document.Quoted(fmt.Sprintf("%v@%s", n.ids[i], n.nodes[i].address()))
	}
	network := n.scenario.Network
	// A connection that the transport closes would cost a handshake that the
	// shim knows nothing of.
	idle := quantity.Duration(maxTimeout)
	if network.StreamIdle > 0 {
		idle = min(idle, 2*network.StreamIdle+quantity.Duration(time.Minute))
	}
	var b strings.Builder
	b.Write(n.config)
	fmt.Fprintf(&b, "\n[node]\nid = %q\nname = \"n%d\"\nseeds = [%s]\nlog_level = \"warn\"\nleave_timeout = \"10m\"\n",
		n.id, n.index, strings.Join(quoted, ", "))
	if n.keeps {
		fmt.Fprintf(&b, "data_dir = %s\n", document.Quoted(n.path(".data")))
	}
	fmt.Fprintf(&b, "\n[transport]\nkind = \"plain\"\nlisten = %q\n", n.address())
	fmt.Fprintf(&b, "\n[transport.limits]\ndatagram_rate = \"1000000/s\"\ndatagram_burst = 1000000\nconnections = 10000\nhandshakes = 10000\nhandshakes_per_address = 10000\n")
	fmt.Fprintf(&b, "stream_timeout = %q\nstream_idle = %q\n", network.StreamTimeout, idle)
	fmt.Fprintf(&b, "\n[admin]\nlisten = %s\n\n[observe]\nmetrics = false\n", document.Quoted("unix://"+n.path(".sock")))
	fmt.Fprintf(&b, "\n[lab]\nenabled = true\nworld = %s\n", document.Quoted(n.path(".json")))
	return b.String()
}

func (n *node) address() string { return fmt.Sprintf("127.0.0.1:%d", n.port) }

// maxSocketPath is what fits into the address of a unix socket everywhere.
const maxSocketPath = 100

// makeDir makes a directory for the files of a run, the names of whose sockets
// are short enough.
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "starling-")
	if err == nil && len(filepath.Join(dir, "n255.sock")) > maxSocketPath && parent == "" && runtime.GOOS != "windows" {
		_ = os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", "starling-")
	}
	if err != nil {
		return "", fmt.Errorf("make a directory for the run: %w", err)
	}
	return dir, nil
}

// Ports are taken from below those that kernels give to whoever does not care
// (from 32768 on Linux, from 49152 elsewhere): a node that is down for a while
// finds its own free when it comes back.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePorts returns ports of loopback that are free for datagrams and streams.
func freePorts(count int) ([]uint16, error) {
	var ports []uint16
	start := rand.IntN(lastPort - firstPort)
	for k := 0; k < lastPort-firstPort && len(ports) < count; k++ {
		port := uint16(firstPort + (start+k)%(lastPort-firstPort))
		if isFree(port) {
			ports = append(ports, port)
		}
	}
	if len(ports) < count {
		return nil, fmt.Errorf("find free ports on loopback: got %d from %d to %d, want %d", len(ports), firstPort, lastPort, count)
	}
	return ports, nil
}

func isFree(port uint16) bool {
	var lc net.ListenConfig
	ctx := context.Background() // binding does not wait
	at := fmt.Sprintf("127.0.0.1:%d", port)
	l, err := lc.Listen(ctx, "tcp", at)
	if err != nil {
		return false
	}
	c, err := lc.ListenPacket(ctx, "udp", at)
	if err != nil {
		_ = l.Close()
		return false
	}
	return errors.Join(c.Close(), l.Close()) == nil
}
