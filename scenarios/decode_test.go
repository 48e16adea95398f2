package scenarios

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
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
		var got, want document
		d := &decoding{}
		d.decodeTable(tree, &got, "")
		err := toml.NewDecoder(bytes.NewReader(source)).DisallowUnknownFields().Decode(&want)
		if len(d.problems) > 0 {
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

// Where the index says a key is, it is.
func TestPositionsPointAtTheirKeys(t *testing.T) {
	for name, source := range sources(t) {
		lines := strings.Split(string(source), "\n")
		for path, at := range indexPositions(source) {
			if at.line < 1 || at.line > len(lines) || at.column < 1 || at.column > len(lines[at.line-1])+1 {
				t.Errorf("%s: %s is said to be at %v", name, path, at)
				continue
			}
			rest := lines[at.line-1][at.column-1:]
			if strings.HasSuffix(path, "]") {
				continue // an item has no key; a table of a list points at its header
			}
			key := strings.FieldsFunc(rest, func(r rune) bool { return r == '=' || r == '"' || r == ']' || r == ' ' })[0]
			if quoted, ok := strings.CutPrefix(rest, `"`); ok {
				key, _, _ = strings.Cut(quoted, `"`)
			}
			if !strings.HasPrefix(key, path[strings.LastIndexByte(path, '.')+1:]) && !strings.HasSuffix(path, key) {
				t.Errorf("%s: %s is said to be at %v, where stands %q", name, path, at, rest)
			}
		}
	}
}

func TestQuotedTextIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := strings.ToValidUTF8(rapid.String().Draw(t, "text"), "?")
		var got struct{ V string }
		if err := toml.Unmarshal([]byte("V = "+quoted(want)), &got); err != nil || got.V != want {
			t.Fatalf("got %q, %v, want %q", got.V, err, want)
		}
	})
}

// The distance is the length of the shortest way of insertions, deletions and
// replacements: tried out here.
func TestEditsIsLevenshtein(t *testing.T) {
	var naive func(a, b string) int
	naive = func(a, b string) int {
		switch {
		case a == "" || b == "":
			return len(a) + len(b)
		case a[0] == b[0]:
			return naive(a[1:], b[1:])
		}
		return 1 + min(naive(a[1:], b), naive(a, b[1:]), naive(a[1:], b[1:]))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[abc]{0,6}`).Draw(t, "a"), rapid.StringMatching(`[abc]{0,6}`).Draw(t, "b")
		if got, want := edits(a, b), naive(a, b); got != want {
			t.Errorf("edits(%q, %q): got %d, want %d", a, b, got, want)
		}
	})
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
