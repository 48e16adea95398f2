package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/protocol/stack"
)

func mustRegistry(t testing.TB) *stack.Registry {
	t.Helper()
	r, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustParse(t testing.TB, source string, variables ...string) *config.Config {
	t.Helper()
	c, err := config.Parse("node.toml", []byte(source), config.Environment{Registry: mustRegistry(t), Variables: variables})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, source)
	}
	return c
}

// split takes the lines "$ NAME=value" (variables) and "> key=value" (the command
// line) out of a test's input.
func split(t testing.TB, input string) (source string, env config.Environment) {
	t.Helper()
	env.Registry = mustRegistry(t)
	for line := range strings.Lines(input) {
		text := strings.TrimSuffix(line, "\n")
		if variable, ok := strings.CutPrefix(text, "$ "); ok {
			env.Variables = append(env.Variables, variable)
		} else if assignment, ok := strings.CutPrefix(text, "> "); ok {
			key, value, _ := strings.Cut(assignment, "=")
			env.Set = append(env.Set, config.Assignment{Key: key, Value: value})
		} else {
			source += line
		}
	}
	return source, env
}

// testdata/errors shows configurations and what is said of them, testdata/filled
// what they are with defaults, and testdata/diff what changes between two.
// "go test -run TestTranscripts -rewrite" writes what is said now.
func TestTranscripts(t *testing.T) {
	transcript := func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "check":
				return said(t, d.Input)
			case "filled":
				return filled(t, d)
			case "diff":
				before, after, _ := strings.Cut(d.Input, "===")
				var out strings.Builder
				for _, c := range config.Diff(mustParse(t, before), mustParse(t, after)) {
					fmt.Fprintf(&out, "%s: %s -> %s restart=%t\n", c.Key, c.Old, c.New, c.Restart)
				}
				return out.String()
			}
			d.Fatalf(t, "unknown directive %q", d.Cmd)
			return ""
		})
	}
	for _, dir := range []string{"errors", "filled", "diff"} { // beside them is what fuzzing found
		datadriven.Walk(t, filepath.Join("testdata", dir), transcript)
	}
}

func said(t *testing.T, input string) string {
	t.Helper()
	source, env := split(t, input)
	_, err := config.Parse("node.toml", []byte(source), env)
	if err == nil {
		return "no error\n"
	}
	var wrong *config.Error
	if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
		t.Errorf("got error %T (%v), want *Error with problems", err, err)
	}
	return err.Error() + "\n"
}

// filled shows the named tables of a configuration with defaults, all but the
// protocols' if none is named.
func filled(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	source, env := split(t, d.Input)
	c, err := config.Parse("node.toml", []byte(source), env)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	text, err := c.Filled()
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	parts := strings.Split(string(text), "\n\n")
	kept := slices.DeleteFunc(parts, func(part string) bool {
		header, _, _ := strings.Cut(part, "\n")
		name := strings.Trim(header, "[]")
		if len(d.CmdArgs) == 0 {
			return strings.HasPrefix(name, "protocol.")
		}
		return !slices.ContainsFunc(d.CmdArgs, func(a datadriven.CmdArg) bool { return a.Key == name })
	})
	return strings.TrimSuffix(strings.Join(kept, "\n"), "\n") + "\n"
}

// What is written with every default reads as the same configuration.
func TestFilledIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		source := generate(rt)
		c := mustParse(t, source)
		text, err := c.Filled()
		if err != nil {
			rt.Fatal(err)
		}
		again := mustParse(t, string(text))
		if !reflect.DeepEqual(again.Content, c.Content) {
			rt.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", again.Content, c.Content, text)
		}
		if second, err := again.Filled(); err != nil || !bytes.Equal(second, text) {
			rt.Fatalf("written twice, got\n%s\nthen\n%s, %v", text, second, err)
		}
		if changes := config.Diff(c, again); len(changes) != 0 {
			rt.Fatalf("got changes %v, want none", changes)
		}
		if err := c.Check(); err != nil {
			rt.Fatalf("checked again: %v", err)
		}
	})
}

// generate writes a configuration with some of everything.
func generate(t *rapid.T) string {
	pick := func(name string, choices ...string) string { return rapid.SampledFrom(choices).Draw(t, name) }
	return strings.Join([]string{
		pick("stack", "", `stack = ["swim"]`, `stack = ["swim", "hyparview", "flood"]`),
		"[node]",
		pick("dir", `data_dir = "/var/lib/starling"`, `data_dir = "data"`),
		pick("seeds", "", "seeds = []", `seeds = ["one.example:7946", "[2001:db8::1]:7946"]`),
		pick("level", "", `log_level = "debug"`),
		pick("memory", "", `max_memory = "256MiB"`),
		"[transport]",
		pick("listen", "", `listen = "127.0.0.1:0"`, `listen = "localhost:7947"`),
		pick("kind", "", `kind = "plain"`, `kind = "wireguard"`),
		pick("advertise", "", `advertise = "192.0.2.1"`, `advertise = "[2001:db8::2]:7000"`),
		pick("limits", "", `limits = { datagram_rate = "300/s", connections = 5 }`),
		"[admin]",
		pick("admin", "", `listen = "off"`, `listen = "unix:///run/starling.sock"`, "listen = \"[::1]:7980\"\ntoken_file = \"token\""),
		"[observe]",
		pick("observe", "", "metrics = false", `listen = ":7980"`, `otlp_endpoint = "https://collector.example"`),
		"[protocol.swim]",
		pick("swim", "", `probe_interval = "2s"`, `nack_after = "70%"`),
		"",
	}, "\n")
}

// A variable does what the same key in the file does, for every key.
func TestEveryKeyHasAVariable(t *testing.T) {
	registry := mustRegistry(t)
	source, err := mustParse(t, "[node]\ndata_dir = \"data\"\n[transport]\nkind = \"plain\"").Filled()
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := toml.Unmarshal(source, &values); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range config.Keys(registry) {
		if seen[k.Variable] {
			t.Errorf("%s: %s is another key's variable", k.Path, k.Variable)
		}
		seen[k.Variable] = true
		var value any = values
		for _, part := range strings.Split(k.Path, ".") {
			table, _ := value.(map[string]any)
			value = table[part]
		}
		if value == nil {
			continue // left out, as its zero means nothing
		}
		text := fmt.Sprint(value)
		if list, ok := value.([]any); ok {
			text = strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ","), "[]")
		}
		c := mustParse(t, string(source), k.Variable+"="+text)
		if changes := config.Diff(mustParse(t, string(source)), c); len(changes) != 0 {
			t.Errorf("%s=%s: got %v, want what the file says", k.Variable, text, changes)
		}
	}
	if len(seen) < 100 {
		t.Errorf("got %d keys, want all", len(seen))
	}
}

func TestReloadableKeysAreTheDocumentedOnes(t *testing.T) {
	var got []string
	for _, k := range config.Keys(mustRegistry(t)) {
		if k.Reload {
			got = append(got, k.Path)
		}
	}
	want := []string{
		"node.seeds", "node.log_level", "transport.limits.datagram_rate", "transport.limits.datagram_burst", "wireguard.allow",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every protocol runs with the defaults, and the default configuration is one.
func TestDefault(t *testing.T) {
	c, err := config.Default(mustRegistry(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"swim", "hyparview", "plumtree"}; !slices.Equal(c.Stack, want) {
		t.Errorf("got stack %q, want %q", c.Stack, want)
	}
	st, err := c.NewStack()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(st.Specs()); got != 3 {
		t.Errorf("got %d protocols, want 3", got)
	}
}

// A change in a program is checked as one in a file.
func TestCheckFindsWhatAProgramDid(t *testing.T) {
	c := mustParse(t, "")
	c.Transport.Listen = "0.0.0.0:7946"
	c.Protocol["swim"]["probe_timeout"] = "2m"
	var wrong *config.Error
	if err := c.Check(); !errors.As(err, &wrong) {
		t.Fatalf("got %v, want an *Error", err)
	}
	var keys []string
	for _, p := range wrong.Problems {
		keys = append(keys, p.Key)
		if p.Line != 0 {
			t.Errorf("got a place in a file: %v", p)
		}
	}
	slices.Sort(keys)
	if want := []string{"protocol.swim.probe_timeout", "transport.advertise", "transport.listen"}; !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
}

func TestLoadSaysWhichFileIsMissing(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "no.toml"), config.Environment{Registry: mustRegistry(t)})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

func TestFilesAreBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "node.toml")
	mustWrite(t, file, "[node]\ndata_dir = \"data\"\n", 0o600)
	c, err := config.Load(file, config.Environment{Registry: mustRegistry(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Path(c.Node.DataDir), filepath.Join(dir, "data"); got != want {
		t.Errorf("got data directory %s, want %s", got, want)
	}
	if got, want := c.AdminListen(), "unix://"+filepath.Join(dir, "data", "admin.sock"); got != want {
		t.Errorf("got admin interface %s, want %s", got, want)
	}
	if absolute := filepath.Join(dir, "elsewhere"); c.Path(absolute) != absolute || c.Path("") != "" {
		t.Error("absolute and empty names are to stay as they are")
	}
}

func TestCheckFilesRefusesSecretsForEverybody(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are not in the mode there")
	}
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "node.key"), "k", 0o640)
	mustWrite(t, filepath.Join(dir, "secret"), "s", 0o644)
	mustWrite(t, filepath.Join(dir, "token"), "t", 0o440)
	file := filepath.Join(dir, "node.toml")
	mustWrite(t, file, `[transport]
kind = "wireguard"
[wireguard]
key_file = "node.key"
cluster_secret_file = "secret"
ticket_file = "gone"
[admin]
listen = "127.0.0.1:7980"
token_file = "token"
`, 0o600)
	c, err := config.Load(file, config.Environment{Registry: mustRegistry(t)})
	if err != nil {
		t.Fatal(err)
	}
	var wrong *config.Error
	if err := c.CheckFiles(nil); !errors.As(err, &wrong) || len(wrong.Problems) != 2 {
		t.Fatalf("got %v, want two problems", err)
	}
	for i, want := range []struct {
		key  string
		line int
	}{{"wireguard.key_file", 4}, {"wireguard.cluster_secret_file", 5}} {
		if p := wrong.Problems[i]; p.Key != want.key || p.Line != want.line {
			t.Errorf("got %v, want one of %s in line %d", p, want.key, want.line)
		}
	}
	for _, name := range []string{"node.key", "secret"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.CheckFiles(nil); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
	if err := os.Remove(filepath.Join(dir, "token")); err != nil {
		t.Fatal(err)
	}
	if err := c.CheckFiles(nil); err == nil || !strings.Contains(err.Error(), "node.toml:9:1: admin.token_file") {
		t.Errorf("got %v, want that the token is missing", err)
	}
}

// The kernel takes no longer paths of sockets, and says nothing that helps.
func TestCheckFilesRefusesLongSockets(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{strings.Repeat("x", 120), "x"} {
		source := fmt.Sprintf("[admin]\nlisten = \"unix:///tmp/%s\"\n", name)
		c, err := config.Parse(filepath.Join(dir, "node.toml"), []byte(source), config.Environment{Registry: mustRegistry(t)})
		if err != nil {
			t.Fatal(err)
		}
		err = c.CheckFiles(nil)
		if long := len(name) > 100; long != (err != nil) {
			t.Errorf("socket /tmp/%s: got %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "has 125 bytes") {
			t.Errorf("got %v, want how long the path is", err)
		}
	}
}

func mustWrite(t testing.TB, file, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// An independent validator of the schema takes what is right, and what the
// schema refuses is refused here as well.
func TestSchema(t *testing.T) {
	text, err := config.Schema(mustRegistry(t))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("node.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("node.json")
	if err != nil {
		t.Fatalf("the schema is not one: %v", err)
	}
	valid := func(source string) error {
		var tree map[string]any
		if err := toml.Unmarshal([]byte(source), &tree); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	rapid.Check(t, func(rt *rapid.T) {
		source := generate(rt)
		if err := valid(source); err != nil {
			rt.Fatalf("%v\nin\n%s", err, source)
		}
		text, err := mustParse(t, source).Filled()
		if err != nil {
			rt.Fatal(err)
		}
		if err := valid(string(text)); err != nil {
			rt.Fatalf("with defaults: %v\nin\n%s", err, text)
		}
	})
	for _, wrong := range []string{
		"sed = 1", "[transport]\nkind = \"tcp\"", "[node]\nlog_level = \"loud\"", "[transport.limits]\nconnections = 0",
		"[transport.limits]\nstream_idle = \"1\"", "stack = []", "[protocol.raft]", "[lab]\nenabled = 1",
	} {
		if valid(wrong) == nil {
			t.Errorf("the schema accepts %q", wrong)
		}
		if _, err := config.Parse("node.toml", []byte(wrong), config.Environment{Registry: mustRegistry(t)}); err == nil {
			t.Errorf("the reader accepts %q", wrong)
		}
	}
}

// Parse takes whatever it is given: it says what is wrong, or what it returns
// can be written and read again.
func FuzzParse(f *testing.F) {
	registry := mustRegistry(f)
	f.Add("[node]\nseeds = [\"a:1\"]\n[transport]\nlisten = \"[::]:1\"\ninsecure = true\nadvertise = \"::1\"\n", "127.0.0.1:0")
	f.Add("[wireguard]\nallow = [\"x\"]\nkey_file = \"k\"\n", "")
	f.Add("stack = [\"swim\"]\n[protocol.swim]\nprobe_interval = \"1s\"\n", "[fe80::1%eth0]:1")
	f.Fuzz(func(t *testing.T, source, listen string) {
		env := config.Environment{Registry: registry, Variables: []string{"STARLING_TRANSPORT_LISTEN=" + listen}}
		c, err := config.Parse("fuzz.toml", []byte(source), env)
		if err != nil {
			var wrong *config.Error
			if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
				t.Fatalf("got %T (%v), want an *Error with problems", err, err)
			}
			return
		}
		text, err := c.Filled()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("fuzz.toml", text, config.Environment{Registry: registry})
		if err != nil {
			t.Fatalf("written again:\n%s\n%v", text, err)
		}
		if second, err := again.Filled(); err != nil || !bytes.Equal(second, text) {
			t.Fatalf("got %v and\n%s\nwant\n%s", err, second, text)
		}
	})
}
