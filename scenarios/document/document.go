package document

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Document is a TOML document on its way into structs, together with what was
// found wrong with it. The zero Document is an empty one without a file.
type Document struct {
	// Tree is the document as maps, slices and scalars; nil if it could not be
	// parsed.
	Tree map[string]any

	file     string
	source   []byte
	at       positions // nil if the document is not what the user wrote
	origins  map[string]string
	problems []Problem
	wrong    map[string]bool // paths of the problems
}

// Read parses the content of a file. If it cannot be parsed, Tree is nil and
// the reason is noted.
func Read(file string, source []byte) *Document {
	d := &Document{file: file, source: source, at: indexPositions(source)}
	d.parse()
	return d
}

// Derived is Read for a document that was made from what a user wrote: what is
// wrong with it has keys, but no places.
func Derived(source []byte) *Document {
	d := &Document{source: source}
	d.parse()
	return d
}

func (d *Document) parse() {
	tree := map[string]any{}
	if err := toml.Unmarshal(d.source, &tree); err != nil {
		d.parseError(err)
		return
	}
	d.Tree = tree
}

// parseError turns what the TOML parser says into a problem.
func (d *Document) parseError(err error) {
	p := Problem{File: d.file, Message: strings.TrimPrefix(err.Error(), "toml: ")}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		p.Key = strings.Join(at.Key(), ".")
		if d.at != nil {
			p.Line, p.Column = at.Position()
		}
	}
	d.problems = append(d.problems, p)
}

// Override puts a value at a dotted path of the tree ([Assign]). Problems there
// and below are from then on told of origin, such as a flag, and not of a place
// in the file.
func (d *Document) Override(origin, path string, value any) {
	if err := Assign(d.Tree, path, value); err != nil {
		d.ProblemIn(origin, Problem{Key: path, Message: err.Error()})
		return
	}
	if d.origins == nil {
		d.origins = map[string]string{}
	}
	d.origins[path] = origin
}

// origin returns what overrode a path or something around it, or something below
// if the path itself is not in the file.
func (d *Document) origin(path string) (string, bool) {
	for around := path; around != ""; around = parent(around) {
		if origin, ok := d.origins[around]; ok {
			return origin, true
		}
	}
	if _, ok := d.at[path]; ok {
		return "", false
	}
	for _, below := range slices.Sorted(maps.Keys(d.origins)) {
		if strings.HasPrefix(below, path+".") {
			return d.origins[below], true
		}
	}
	return "", false
}

// Problem notes that something is wrong at a path, unless something is known to
// be wrong there already: what follows from that would only confuse. It sets
// the problem's key, file and place.
func (d *Document) Problem(path string, p Problem) {
	if d.wrong[path] {
		return
	}
	if d.wrong == nil {
		d.wrong = map[string]bool{}
	}
	d.wrong[path] = true
	p.Key = path
	d.ProblemAt(p, path)
}

// Problemf is Problem with a message only.
func (d *Document) Problemf(path, format string, args ...any) {
	d.Problem(path, Problem{Message: fmt.Sprintf(format, args...)})
}

// ProblemAt notes a problem that has its key, and says that it is where the
// first of the paths stands that was written, or else at the nearest thing
// around the last of them. It sets the problem's file and place.
func (d *Document) ProblemAt(p Problem, paths ...string) {
	last := paths[len(paths)-1]
	if origin, ok := d.origin(last); ok {
		d.ProblemIn(origin, p)
		return
	}
	p.File = d.file
	if d.at != nil {
		at := d.at.at(last)
		if i := slices.IndexFunc(paths, func(path string) bool { return d.at[path] != position{} }); i >= 0 {
			at = d.at[paths[i]]
		}
		p.Line, p.Column = at.line, at.column
	}
	d.problems = append(d.problems, p)
}

// ProblemIn notes a problem that is not in the file, but in something else that
// has a name, such as a flag.
func (d *Document) ProblemIn(origin string, p Problem) {
	p.File = origin
	d.problems = append(d.problems, p)
}

// Fresh returns the document as it is now, nothing being wrong with it: for checks
// that are made later.
func (d *Document) Fresh() *Document {
	fresh := *d
	fresh.problems, fresh.wrong = nil, nil
	return &fresh
}

// Problems returns what was found wrong, in the order in which it was found.
func (d *Document) Problems() []Problem { return d.problems }

// Wrong reports whether there is a problem at exactly this path.
func (d *Document) Wrong(path string) bool { return d.wrong[path] }

// WrongBelow reports whether there is a problem at a path or below.
func (d *Document) WrongBelow(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		return p.Key == path || strings.HasPrefix(p.Key, path+".") || strings.HasPrefix(p.Key, path+"[")
	})
}

// Err returns all that was found wrong as an *[Error], in the order of the file;
// nil if nothing was.
func (d *Document) Err() error { return AsError(d.problems, d.source) }
