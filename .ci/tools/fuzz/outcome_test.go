package fuzz

import (
	"errors"
	"testing"
)

const progress = `fuzz: elapsed: 0s, gathering baseline coverage: 3/3 completed, now fuzzing with 1 workers
fuzz: elapsed: 2s, execs: 29160 (14204/sec), new interesting: 34 (total: 37)
`

func TestOutcomes(t *testing.T) {
	status := errors.New("exit status 1")
	for name, c := range map[string]struct {
		said       string
		ended      error
		late, fail bool
	}{
		"well":           {progress + "PASS\n", nil, false, false},
		"late":           {progress + "--- FAIL: FuzzX (2.01s)\n    context deadline exceeded\nFAIL\n", status, true, false},
		"a failing test": {progress + "--- FAIL: FuzzX (2.01s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:9: context deadline exceeded\n    \n    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\n", status, false, true},
		"a failing seed": {"fuzz: elapsed: 0s, testing seed corpus: 0/8 completed\nfailure while testing seed corpus entry: FuzzX/seed#0\n--- FAIL: FuzzX (0.02s)\n    x_test.go:9: bad\nFAIL\n", status, false, true},
		"late and more":  {progress + "goroutine 1 [running]:\n--- FAIL: FuzzX (2.01s)\n    context deadline exceeded\nFAIL\n", status, false, true},
		"killed":         {progress, errors.New("signal: killed"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := outcome(Target{Name: "FuzzX"}, c.said, c.ended)
			if o.Late != c.late || o.Failed() != c.fail {
				t.Errorf("got late %v, failed %v (%v), want %v, %v", o.Late, o.Failed(), o.Err, c.late, c.fail)
			}
			if c.late && (o.Executions != 29160 || o.Interesting != 34) {
				t.Errorf("got %d executions, %d interesting, want 29160 and 34", o.Executions, o.Interesting)
			}
		})
	}
}
