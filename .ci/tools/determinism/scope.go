package determinism

import "strings"

// Rule is the name of one kind of finding, as exemptions give it.
type Rule string

// The rules; the package's documentation says what each finds.
const (
	MapRange    Rule = "maprange"
	Goroutine   Rule = "goroutine"
	Channel     Rule = "channel"
	WallClock   Rule = "wallclock"
	Random      Rule = "random"
	Environment Rule = "environment"
	Float       Rule = "float"
	Pointer     Rule = "pointer"
	Global      Rule = "global"
)

var allRules = []Rule{MapRange, Goroutine, Channel, WallClock, Random, Environment, Float, Pointer, Global}

// Module is the path of the module the scopes speak of.
const Module = "github.com/starling-sim/starling"

// scope says which rules hold in the packages below a path.
type scope struct {
	below string // path within the module
	rules []Rule
	why   string
}

// scopes are looked up from the top; the first that fits holds.
var scopes = []scope{
	{
		"netmodel/internal/gen", nil,
		"generates netmodel's tables on a developer's machine; its output is data",
	},
	{
		"sim/storetest", nil,
		"a suite of tests; no world runs it",
	},
	{
		"protocol/pebblestore", nil,
		"a store's contents are a function of what was written; Pebble's own goroutines and clocks do not show in them",
	},
	{
		"sim/pebbledisk",
		[]Rule{MapRange, Random, Pointer},
		"Pebble works on its own goroutines, which disks hold still at fixed points",
	},
	{
		"protocol", allRules,
		"what a protocol does is a function of its inputs",
	},
	{
		"sim", allRules,
		"the virtual world is a function of scenario and seed",
	},
	{
		"netmodel", allRules,
		"what becomes of a packet is a function of seed and link",
	},
	{
		"scenarios", allRules,
		"a scenario decides the world",
	},
	{
		"analysis",
		[]Rule{MapRange, Random, Pointer},
		"result files have the same bytes for the same run; measures may be floating point",
	},
}

// ScopeOf returns the rules that hold in a package of the module, none if the
// package decides nothing that must be reproducible.
func ScopeOf(path string) []Rule {
	path, inModule := strings.CutPrefix(path, Module+"/")
	if !inModule {
		return nil
	}
	for _, s := range scopes {
		if path == s.below || strings.HasPrefix(path, s.below+"/") {
			return s.rules
		}
	}
	return nil
}
