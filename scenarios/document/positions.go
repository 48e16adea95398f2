package document

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// position is a place in a file, counted from 1.
type position struct{ line, column int }

// positions says where each key of a TOML document stands, by its dotted path
// with indices of arrays: "fault[1].at".
type positions map[string]position

// at returns where a path stands or, if it does not, the nearest thing around
// it.
func (p positions) at(path string) position {
	for path != "" {
		if at, ok := p[path]; ok {
			return at
		}
		path = parent(path)
	}
	return position{1, 1}
}

// parent cuts the last key or index off a path.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// indexPositions walks a document. What cannot be parsed is left out: decoding
// says what is wrong with it.
func indexPositions(source []byte) positions {
	p := positions{}
	var parser unstable.Parser
	parser.Reset(source)
	table := ""
	counts := map[string]int{}
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = p.keys(&parser, e.Key(), "", counts)
		case unstable.ArrayTable:
			path := p.keys(&parser, e.Key(), "", counts)
			n := counts[path]
			counts[path] = n + 1
			table = fmt.Sprintf("%s[%d]", path, n)
			p[table] = p[path]
		case unstable.KeyValue:
			p.keyValue(&parser, e, table, counts)
		}
	}
	return p
}

// keys notes the place of a dotted key below prefix and returns its path; arrays
// of tables on the way stand for their last table.
func (p positions) keys(parser *unstable.Parser, it unstable.Iterator, prefix string, counts map[string]int) string {
	path := prefix
	for it.Next() {
		key := it.Node()
		if n := counts[path]; n > 0 && path != prefix {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
		path = Join(path, string(key.Data))
		start := parser.Shape(key.Raw).Start
		p[path] = position{start.Line, start.Column}
	}
	return path
}

func (p positions) keyValue(parser *unstable.Parser, e *unstable.Node, table string, counts map[string]int) {
	path := p.keys(parser, e.Key(), table, nil)
	p.value(parser, e.Value(), path, counts)
}

func (p positions) value(parser *unstable.Parser, v *unstable.Node, path string, counts map[string]int) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			p.keyValue(parser, it.Node(), path, counts)
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); i++ {
			item := fmt.Sprintf("%s[%d]", path, i)
			p[item] = p[path]
			if raw := it.Node().Raw; raw.Length > 0 {
				start := parser.Shape(raw).Start
				p[item] = position{start.Line, start.Column}
			}
			p.value(parser, it.Node(), item, counts)
		}
	}
}

// Join returns the path of a key below a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
