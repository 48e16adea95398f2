package determinism

import (
	"slices"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

func everything(string) []Rule { return allRules }

// The files below testdata say what is found in each line and, by saying
// nothing, what is not.
func TestRules(t *testing.T) {
	for _, rule := range allRules {
		t.Run(string(rule), func(t *testing.T) {
			analysistest.Run(t, analysistest.TestData(), New(everything), string(rule))
		})
	}
}

func TestExemptionsNeedRuleAndReason(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), New(everything), "exempt")
}

func TestScopesDecideWhichRulesHold(t *testing.T) {
	for _, below := range []string{"sim/inner", "analysis", "cmd/simrun", "netmodel/internal/gen"} {
		t.Run(below, func(t *testing.T) {
			analysistest.Run(t, analysistest.TestData(), New(ScopeOf), Module+"/"+below)
		})
	}
}

func TestScopeOf(t *testing.T) {
	for _, c := range []struct {
		path string
		want []Rule
	}{
		{Module + "/sim", allRules},
		{Module + "/protocol/swim", allRules},
		{Module + "/protocolx", nil},
		{Module + "/netmodel/internal/gen", nil},
		{Module + "/netmodel/internal/generic", allRules},
		{Module + "/cmd/simrun", nil},
		{Module, nil},
		{"example.com/sim", nil},
	} {
		if got := ScopeOf(c.path); !slices.Equal(got, c.want) {
			t.Errorf("ScopeOf(%q) = %v, want %v", c.path, got, c.want)
		}
	}
}

func TestEveryScopeSaysWhy(t *testing.T) {
	for _, s := range scopes {
		if s.why == "" {
			t.Errorf("scope %s: no reason", s.below)
		}
	}
}
