package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
)

// sources returns the scenarios of the directories above, and every document
// with which their tests try out what is wrong.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"../*.toml", "../*/*.toml", "../testdata/errors/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(file) == ".toml" {
				all[file] = text
				continue
			}
			for _, part := range strings.Split(string(text), "check\n")[1:] {
				source, _, _ := strings.Cut(part, "----\n")
				all[file+" "+source] = []byte(source)
			}
		}
	}
	if len(all) < 50 {
		t.Fatalf("got %d sources", len(all))
	}
	return all
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
		if err := toml.Unmarshal([]byte("V = "+Quoted(want)), &got); err != nil || got.V != want {
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

// What a document says is overridden is told of what overrode it, and what is
// beside that of its place in the file.
func TestOverriddenKeysAreToldOfTheirOrigin(t *testing.T) {
	d := Read("a.toml", []byte("[table]\nnumber = 1\nword = 2\n"))
	d.Override("NUMBER", "table.number", "many")
	d.Override("DEEP", "table.word.deep", "x")
	var content struct {
		Table struct {
			Number int    `toml:"number"`
			Word   string `toml:"word"`
		} `toml:"table"`
	}
	d.Decode(d.Tree, &content, "")
	want := `DEEP: table.word.deep: table.word is a value and has no keys
NUMBER: table.number: got "many", want a whole number
a.toml:3:1: table.word: got 2, want text in quotes
     3 | word = 2
       | ^`
	if err := d.Err(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What Marshal writes, tables below tables included, is read as the same.
func TestMarshalIsReadBack(t *testing.T) {
	type limits struct {
		Most int `toml:"most"`
	}
	type content struct {
		Name string `toml:"name"`
		Top  struct {
			Limits limits `toml:"limits" layout:"table"`
			Inner  limits `toml:"inner"`
			Rest   string `toml:"rest,omitempty"`
		} `toml:"top"`
	}
	var c content
	c.Name, c.Top.Limits.Most, c.Top.Inner.Most = "n", 3, 4
	text, err := Marshal(c, nil)
	want := "name = \"n\"\n\n[top]\ninner = { most = 4 }\n\n[top.limits]\nmost = 3\n"
	if err != nil || string(text) != want {
		t.Fatalf("got %v and\n%s\nwant\n%s", err, text, want)
	}
	var again content
	d := Read("a.toml", text)
	if d.Decode(d.Tree, &again, ""); d.Err() != nil || again != c {
		t.Errorf("got %+v, %v, want %+v", again, d.Err(), c)
	}
}
