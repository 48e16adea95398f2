package scenarios

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/scenarios/document"
)

// sources returns the scenarios that are built in and every wrong one.
func sources(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range Names() {
		source, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = source
	}
	err := fs.WalkDir(os.DirFS("testdata/errors"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile("testdata/errors/" + path)
		for _, part := range strings.Split(string(text), "check\n")[1:] {
			source, _, _ := strings.Cut(part, "----\n")
			all[path+" "+source] = []byte(source)
		}
		return err
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("got %d sources, %v", len(all), err)
	}
	return all
}

// What is right is decoded as the TOML library does it, and what is wrong for the
// library is wrong here. (It takes keys in any case and drops what is too much
// in a list; that is refused here.)
func TestDecodingAgreesWithTheLibrary(t *testing.T) {
	agreed := 0
	for name, source := range sources(t) {
		var tree map[string]any
		if toml.Unmarshal(source, &tree) != nil {
			continue
		}
		var got, want fileContent
		d := &document.Document{}
		d.Decode(tree, &got, "")
		err := toml.NewDecoder(bytes.NewReader(source)).DisallowUnknownFields().Decode(&want)
		if len(d.Problems()) > 0 {
			continue
		}
		if err != nil {
			t.Errorf("%s: found nothing wrong, the library says %v", name, err)
		}
		// A number that is none is not like itself.
		if !reflect.DeepEqual(got, want) && !strings.Contains(name, "nan") {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
		agreed++
	}
	if agreed < 50 {
		t.Errorf("only %d documents could be compared", agreed)
	}
}

// Text editors that end lines as Windows does make no difference.
func TestCarriageReturns(t *testing.T) {
	source := strings.ReplaceAll("name = \"wrong\"\nduration = \"60s\"\nstack = [\"swim\"]\n\n[nodes]\n  cuont = 10\n  count = 10\n", "\n", "\r\n")
	_, err := Parse("wrong.toml", []byte(source), mustEnvironment(t))
	want := "wrong.toml:6:3: nodes.cuont: unknown key; did you mean \"count\"? (valid: count, spare, join, clock)\n" +
		"     6 |   cuont = 10\n       |   ^"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// Parse takes whatever it is given: it either says what is wrong, each thing at
// a place in the file, or what it returns can be written and read again.
func FuzzParse(f *testing.F) {
	for _, source := range sources(f) {
		f.Add(source)
	}
	env := mustEnvironment(f)
	env.Metric = nil
	f.Fuzz(func(t *testing.T, source []byte) {
		s, err := Parse("fuzz.toml", source, env)
		if err != nil {
			lines := bytes.Count(source, []byte("\n")) + 1
			for _, p := range err.(*Error).Problems {
				if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
					t.Errorf("got problem %+v in %d lines", p, lines)
				}
			}
			return
		}
		text, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("fuzz.toml", text, env)
		if err != nil {
			t.Fatalf("written again:\n%s\n%v", text, err)
		}
		if second, err := again.Marshal(); err != nil || !bytes.Equal(second, text) {
			t.Fatalf("got %v and\n%s\nwant\n%s", err, second, text)
		}
	})
}
