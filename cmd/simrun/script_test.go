package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"simrun": main})
}

// TestScripts runs the transcripts under testdata/script, which use simrun as
// a person does. Beside testscript's own commands they have:
//
//	status N COMMAND...     run a command, which must exit with status N
//	json FILE KEY WANT      FILE must be JSON in which the dotted KEY has the value WANT, or any if WANT is "*"
//	same FILE KEY FILE KEY  the values must be there and, with "!", differ
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": scriptStatus,
			"json":   scriptJSON,
			"same":   scriptSame,
		},
	})
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
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

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: json FILE KEY WANT")
	}
	got := lookupJSON(ts, args[0], args[1])
	if args[2] != "*" && got != args[2] {
		ts.Fatalf("%s: %s is %s, want %s", args[0], args[1], got, args[2])
	}
}

func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 4 || len(args)%2 != 0 {
		ts.Fatalf("usage: same FILE KEY FILE KEY...")
	}
	want := lookupJSON(ts, args[0], args[1])
	for i := 2; i < len(args); i += 2 {
		got := lookupJSON(ts, args[i], args[i+1])
		if same := got == want; same == neg {
			ts.Fatalf("%s of %s is %s, %s of %s is %s", args[1], args[0], want, args[i+1], args[i], got)
		}
	}
}

// lookupJSON returns the value of a key, written as JSON. Keys may contain
// dots themselves ("metrics.swim.flaps"): the longest match counts.
func lookupJSON(ts *testscript.TestScript, file, key string) string {
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &value); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	value, ok := lookup(value, key)
	if !ok {
		ts.Fatalf("%s: no key %s", file, key)
	}
	var text strings.Builder
	ts.Check(printJSON(&text, value))
	return strings.TrimSpace(text.String())
}

func lookup(value any, key string) (any, bool) {
	if key == "" {
		return value, true
	}
	switch v := value.(type) {
	case []any:
		index, rest, _ := strings.Cut(key, ".")
		if i, err := strconv.Atoi(index); err == nil && i < len(v) {
			return lookup(v[i], rest)
		}
	case map[string]any:
		for end := len(key); end > 0; end = strings.LastIndexByte(key[:end], '.') {
			if inner, ok := v[key[:end]]; ok {
				return lookup(inner, strings.TrimPrefix(key[end:], "."))
			}
		}
	}
	return nil, false
}
