// Determinism is the determinism analyser as a tool for go vet:
//
//	go build -C .ci/tools -o /tmp/determinism ./cmd/determinism
//	go vet -vettool=/tmp/determinism ./...
//
// What it looks for, and where, stands in package determinism.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/starling-sim/starling/tools/determinism"
)

func main() { unitchecker.Main(determinism.New(determinism.ScopeOf)) }
