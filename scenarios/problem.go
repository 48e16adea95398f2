package scenarios

import "github.com/starling-sim/starling/scenarios/document"

// Error is everything that is wrong with a scenario.
type Error = document.Error

// Problem is one thing that is wrong. Its File is "--set" for what did not come
// from a file.
type Problem = document.Problem
