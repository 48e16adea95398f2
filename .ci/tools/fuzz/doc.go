// Package fuzz runs all fuzz targets of a module one after the other, says what
// came of each, and keeps a small corpus of what was found to be of interest.
//
// All test binaries are built before the first target runs, so that changes to
// the sources meanwhile do not matter. What go test would leave in its cache
// stays there; [Keep] copies a bounded part of it to testdata/fuzz, where go
// test runs it as seeds.
package fuzz
