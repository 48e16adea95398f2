package determinism

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

const (
	lineDirective = "//starling:exempt"
	fileDirective = "//starling:exempt-file"
	minWords      = 3 // of a reason: one word explains nothing
)

// exemption is one comment that lifts rules from a line or a file.
type exemption struct {
	comment *ast.Comment
	line    int // of the comment; 0 for the whole file
	rules   []Rule
	used    map[Rule]bool
}

func (e *exemption) covers(rule Rule, line int) bool {
	return slices.Contains(e.rules, rule) && (e.line == 0 || line == e.line || line == e.line+1)
}

// readExemptions collects the file's exemptions and reports those that are not
// well formed.
func (c *checker) readExemptions() []*exemption {
	var found []*exemption
	for _, group := range c.file.Comments {
		for _, comment := range group.List {
			if e := c.readExemption(comment); e != nil {
				found = append(found, e)
			}
		}
	}
	return found
}

func (c *checker) readExemption(comment *ast.Comment) *exemption {
	directive, rest, _ := strings.Cut(comment.Text, " ")
	if !strings.HasPrefix(directive, lineDirective) {
		return nil
	}
	bad := func(format string, args ...any) *exemption {
		c.pass.Reportf(comment.Pos(), "exemption: "+format, args...)
		return nil
	}
	e := &exemption{comment: comment, used: map[Rule]bool{}}
	switch directive {
	case lineDirective:
		e.line = c.line(comment.Pos())
	case fileDirective:
		if c.insideDeclaration(comment.Pos()) {
			return bad("%s stands inside a declaration, want it at the file's top level", directive)
		}
	default:
		return bad("got %s, want %s or %s", directive, lineDirective, fileDirective)
	}
	rest, _, _ = strings.Cut(rest, " // ") // a remark on the exemption is no reason
	names, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	for name := range strings.SplitSeq(names, ",") {
		if !slices.Contains(allRules, Rule(name)) {
			return bad("got rule %q, want one of %v", name, allRules)
		}
		e.rules = append(e.rules, Rule(name))
	}
	if words := len(strings.Fields(reason)); words < minWords {
		return bad("got a reason of %d words, want at least %d: %s <rule> <reason>", words, minWords, directive)
	}
	return e
}

func (c *checker) insideDeclaration(pos token.Pos) bool {
	for _, d := range c.file.Decls {
		if d.Pos() <= pos && pos < d.End() {
			return true
		}
	}
	return false
}

// unusedExemptions reports exemptions that lift a rule nobody broke, unless the
// rule does not hold in this package at all.
func (c *checker) unusedExemptions() {
	for _, e := range c.exempt {
		for _, r := range e.rules {
			if c.on[r] && !e.used[r] {
				c.pass.Reportf(e.comment.Pos(), "exemption: nothing here needs to be exempt from %s", r)
			}
		}
	}
}
