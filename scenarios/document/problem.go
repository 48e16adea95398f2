package document

import (
	"fmt"
	"slices"
	"strings"
)

// Error is everything that is wrong with a document.
type Error struct {
	Problems []Problem
	source   []byte
}

// Problem is one thing that is wrong.
type Problem struct {
	// File, Line and Column say where, counted from 1. Line is 0 for what did
	// not come from a file; File is then what it came from, such as a flag.
	File         string
	Line, Column int
	// Key is the dotted path of the key, for instance "fault[0].at".
	Key string
	// Message says what was got and what is wanted.
	Message string
	// Nearest is the valid key or value that looks most like what was got,
	// empty if none does.
	Nearest string
	// Valid lists the keys or values that would do, if they can be listed.
	Valid []string
	// Secret keeps the line that the problem is in from being shown.
	Secret bool
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	} else if p.File != "" {
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	if p.Key != "" {
		fmt.Fprintf(&b, "%s: ", p.Key)
	}
	b.WriteString(p.Message)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Nearest)
	}
	if len(p.Valid) > 0 {
		fmt.Fprintf(&b, " (valid: %s)", strings.Join(p.Valid, ", "))
	}
	return b.String()
}

func (e *Error) Error() string {
	var b strings.Builder
	lines := strings.Split(string(e.source), "\n")
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
		if p.Line > 0 && p.Line <= len(lines) && !p.Secret {
			line := strings.TrimRight(strings.ReplaceAll(lines[p.Line-1], "\t", " "), "\r")
			fmt.Fprintf(&b, "\n%6d | %s\n       | %s^", p.Line, line, strings.Repeat(" ", max(p.Column-1, 0)))
		}
	}
	return b.String()
}

// AsError returns an *[Error] of the problems in order of their place, nil if
// there are none. Source is the file that they are in, nil if they are in none;
// it is shown with them.
func AsError(problems []Problem, source []byte) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return &Error{Problems: problems, source: source}
}

// Nearest returns the candidate that takes the fewest edits to make of text, if
// these are few.
func Nearest(text string, candidates []string) string {
	best, bestEdits := "", max(2, len(text)/3)+1
	for _, c := range candidates {
		if d := edits(strings.ToLower(text), strings.ToLower(c)); d < bestEdits {
			best, bestEdits = c, d
		}
	}
	return best
}

// edits is Levenshtein's distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
