package fuzz

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Outcome is what came of fuzzing a target.
type Outcome struct {
	Target
	// Executions counts inputs that were tried, Interesting those that reached
	// something new.
	Executions, Interesting uint64
	// Findings are the files of inputs that fail.
	Findings []string
	// Late says that the fuzzer took its own end for a failure, which is no
	// finding: https://go.dev/issue/75804, mended in Go 1.27.
	Late bool
	// Err is what else went wrong; a seed that fails, for one.
	Err error
}

// Failed tells whether somebody has to look.
func (o Outcome) Failed() bool { return len(o.Findings) > 0 || o.Err != nil }

func (o Outcome) String() string {
	text := fmt.Sprintf("%-60s %10d executions %5d new interesting %2d findings",
		strings.TrimPrefix(o.Package, "github.com/starling-sim/starling/")+" "+o.Name, o.Executions, o.Interesting, len(o.Findings))
	if o.Late {
		text += " (the fuzzer took its end for a failure: go.dev/issue/75804)"
	}
	if o.Err != nil {
		text += fmt.Sprintf(" FAILED: %v", o.Err)
	}
	for _, f := range o.Findings {
		text += "\n    " + filepath.ToSlash(f)
	}
	return text
}

// late is all that the fuzzer says beside its progress when its time-out ends
// one of its contexts before the other. It is then no input's failure.
var late = regexp.MustCompile(`\A--- FAIL: Fuzz\w* \([0-9.]+s\)\n {4}context deadline exceeded\nFAIL\n\z`)

// outcome reads what the fuzzer said. The findings are the caller's to find.
func outcome(t Target, said string, ended error) Outcome {
	o := Outcome{Target: t}
	rest := make([]string, 0, 8) // all but progress
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "fuzz: elapsed: ") {
			rest = append(rest, line)
			continue
		}
		if strings.Contains(line, "execs: ") {
			o.Executions, o.Interesting = number(line, "execs: "), number(line, "new interesting: ")
		}
	}
	if ended == nil {
		return o
	}
	if late.MatchString(strings.Join(rest, "")) {
		o.Late = true
		return o
	}
	o.Err = fmt.Errorf("%w (see the log)", ended)
	return o
}
