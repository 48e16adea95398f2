package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"realnode": main})
}

// TestScripts runs the transcripts under testdata/script, which use realnode as a
// person does. Beside testscript's own commands they have:
//
//	status N COMMAND...     run a command, which must exit with status N
//	start NAME ARGS...      run a node in the background that keeps its data in
//	                        the directory NAME and logs to NAME.log, and wait
//	                        until it answers; $NAME is its address, $NAME_ID its
//	                        identity
//	crash NAME              kill it
//	signal NAME SIGNAL      send it TERM or HUP; with "again", until it has ended
//	ended NAME STATUS       it must have ended or end soon, with this status, or
//	                        by the signal "terminated"
//	until NAME WHAT WANT    wait until "members" or "ready" of its status, or the
//	                        state in which it believes the node with the identity
//	                        WHAT to be, is WANT
//	logged NAME TEXT        wait until its log holds a text
//	metric NAME METRIC      wait until a metric of it, such as
//	                        name{label="value"}, is above 0
//	holds NAME KEY VALUE    wait until a key of it is a value: a text, a number, or
//	                        elements in order; "there" if any, "absent" if none
//	heard NAME TEXT FROM    broadcast a text at the node FROM, and wait until
//	                        "realnode watch" of the node NAME shows it
func TestScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the scripts send signals")
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values["nodes"] = map[string]*scriptNode{}
			// Timing is not what these tests are about.
			env.Setenv("STARLING_PROTOCOL_SWIM_PROBE_INTERVAL", "200ms")
			env.Setenv("STARLING_PROTOCOL_SWIM_PROBE_TIMEOUT", "150ms")
			env.Setenv("STARLING_PROTOCOL_SWIM_LEAVE_DURATION", "300ms")
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			return os.Mkdir(filepath.Join(env.WorkDir, "tmp"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": scriptStatus,
			"start":  scriptStart,
			"crash":  scriptCrash,
			"signal": scriptSignal,
			"ended":  scriptEnded,
			"until":  scriptUntil,
			"logged": scriptLogged,
			"metric": scriptMetric,
			"holds":  scriptHolds,
			"heard":  scriptHeard,
		},
	})
}

// patience is how long anything may take, on a busy machine.
const patience = 30 * time.Second

// scriptNode is a process that a script started.
type scriptNode struct {
	command *exec.Cmd
	client  *admin.Client
	log     string
	gone    chan struct{}
}

func started(ts *testscript.TestScript, name string) *scriptNode {
	n := ts.Value("nodes").(map[string]*scriptNode)[name]
	if n == nil {
		ts.Fatalf("there is no node %s", name)
	}
	return n
}

// await polls until it holds.
func await(ts *testscript.TestScript, what string, holds func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := holds(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("%s: %v", what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "status N COMMAND...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%s exited with status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// scriptStart starts a node that ends when this process does: it leaves at the
// end of its standard input.
func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 1, "start NAME ARGS...")
	name := args[0]
	program, err := exec.LookPath("realnode")
	ts.Check(err)
	log, err := os.OpenFile(ts.MkAbs(name+".log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	n := &scriptNode{
		command: exec.Command(program, append([]string{"run", "--until-eof", "--data", name}, args[1:]...)...),
		client:  admin.NewClient("unix://"+ts.MkAbs(filepath.Join(name, socketName)), ""), log: log.Name(), gone: make(chan struct{}),
	}
	n.command.Dir, n.command.Stderr = ts.MkAbs("."), log
	n.command.Env = append(os.Environ(), "STARLING_PROTOCOL_SWIM_PROBE_INTERVAL=200ms", "STARLING_PROTOCOL_SWIM_PROBE_TIMEOUT=150ms",
		"STARLING_PROTOCOL_SWIM_LEAVE_DURATION="+cmp.Or(ts.Getenv("STARLING_PROTOCOL_SWIM_LEAVE_DURATION"), "1s"))
	_, err = n.command.StdinPipe()
	ts.Check(err)
	ts.Check(n.command.Start())
	go func() {
		_ = n.command.Wait()
		close(n.gone)
	}()
	ts.Defer(func() {
		_ = n.command.Process.Kill()
		<-n.gone
		n.client.Close()
	})
	ts.Value("nodes").(map[string]*scriptNode)[name] = n
	await(ts, "start "+name, func(ctx context.Context) error {
		select {
		case <-n.gone:
			ts.Fatalf("%s ended:\n%s", name, ts.ReadFile(name+".log"))
		default:
		}
		s, err := n.client.Status(ctx)
		if err == nil && s.PID != n.command.Process.Pid {
			err = fmt.Errorf("process %d answers, want %d", s.PID, n.command.Process.Pid)
		}
		ts.Setenv(name, s.Listen)
		ts.Setenv(name+"_ID", s.ID)
		return err
	})
}

func scriptCrash(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "crash NAME")
	n := started(ts, args[0])
	ts.Check(n.command.Process.Kill())
	<-n.gone
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
	again := len(args) == 3 && args[2] == "again"
	usage(ts, !neg && (len(args) == 2 || again) && signals[args[1]] != 0, "signal NAME TERM|HUP [again]")
	n := started(ts, args[0])
	ts.Check(n.command.Process.Signal(signals[args[1]]))
	for again {
		select {
		case <-n.gone:
			return
		case <-time.After(secondSignal / 2):
			_ = n.command.Process.Signal(signals[args[1]])
		}
	}
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "ended NAME STATUS")
	n := started(ts, args[0])
	select {
	case <-n.gone:
	case <-time.After(patience):
		ts.Fatalf("%s still runs:\n%s", args[0], ts.ReadFile(args[0]+".log"))
	}
	got := strconv.Itoa(n.command.ProcessState.ExitCode())
	if w, ok := n.command.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		got = w.Signal().String()
	}
	if got != args[1] {
		ts.Fatalf("%s ended with status %s, want %s:\n%s", args[0], got, args[1], ts.ReadFile(args[0]+".log"))
	}
}

func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "until NAME WHAT WANT")
	n := started(ts, args[0])
	await(ts, strings.Join(args, " "), func(ctx context.Context) error {
		got := "nothing"
		switch what := args[1]; what {
		case "members", "ready":
			s, err := n.client.Status(ctx)
			if err != nil {
				return err
			}
			got = map[string]string{"members": strconv.Itoa(s.Members), "ready": strconv.FormatBool(s.Ready)}[what]
		default:
			members, err := n.client.Members(ctx)
			if err != nil {
				return err
			}
			for _, m := range members {
				if m.ID == what {
					got = m.Status
				}
			}
		}
		if got != args[2] {
			return fmt.Errorf("got %s, want %s", got, args[2])
		}
		return nil
	})
}

func scriptLogged(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "logged NAME TEXT")
	await(ts, "log of "+args[0], func(context.Context) error {
		if text := ts.ReadFile(args[0] + ".log"); !strings.Contains(text, args[1]) {
			return fmt.Errorf("got no %q in\n%s", args[1], text)
		}
		return nil
	})
}

func scriptMetric(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "metric NAME METRIC")
	socket := ts.MkAbs(filepath.Join(args[0], socketName))
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	await(ts, strings.Join(args, " "), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node/metrics", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), args[1]+" "); ok && value != "0" {
				return nil
			}
		}
		return errors.New("it is 0, or there is none")
	})
}

func scriptHolds(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 3, "holds NAME KEY VALUE...")
	n := started(ts, args[0])
	await(ts, strings.Join(args, " "), func(ctx context.Context) error {
		v, err := n.client.Key(ctx, []byte(args[1]))
		got := []string{}
		switch {
		case errors.Is(err, admin.ErrNoKey):
			got = append(got, "absent")
		case err != nil:
			return err
		case v.Value != nil:
			got = append(got, string(*v.Value))
		case v.Count != nil:
			got = append(got, strconv.FormatInt(*v.Count, 10))
		}
		for _, e := range v.Elements {
			got = append(got, string(e))
		}
		if there := err == nil && args[2] == "there"; !there && !slices.Equal(got, args[2:]) {
			return fmt.Errorf("got %q, want %q", got, args[2:])
		}
		return nil
	})
}

func scriptHeard(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "heard NAME TEXT FROM")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// The probes of swim tell that the command has begun to watch.
	watch := exec.CommandContext(ctx, "realnode", "watch", "--json", "--data", args[0], "swim.probe", "plumtree.deliver")
	watch.Dir = ts.MkAbs(".")
	out, err := watch.StdoutPipe()
	ts.Check(err)
	ts.Check(watch.Start())
	defer func() {
		cancel()
		_, _ = io.Copy(io.Discard, out)
		_ = watch.Wait()
	}()
	var once sync.Once
	for lines := bufio.NewScanner(out); lines.Scan(); {
		once.Do(func() { ts.Check(ts.Exec("realnode", "broadcast", "--data", args[2], args[1])) })
		var e admin.Event
		ts.Check(json.Unmarshal(lines.Bytes(), &e))
		if e.Name == "plumtree.deliver" && e.Payload == args[1] {
			return
		}
	}
	ts.Fatalf("%s did not hear %q", args[0], args[1])
}
