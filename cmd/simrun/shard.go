package main

import (
	"fmt"
	"strconv"
	"strings"
)

// shard is one of several equal shares of a sweep's runs; the zero value is
// all of them. It is a flag value.
type shard struct{ index, of int }

func (s *shard) String() string {
	if s.of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.index, s.of)
}

// Type names the value in the help text.
func (s *shard) Type() string { return "i/n" }

// Set reads "i/n" with 1 <= i <= n.
func (s *shard) Set(text string) error {
	before, after, ok := strings.Cut(text, "/")
	index, err1 := strconv.Atoi(before)
	of, err2 := strconv.Atoi(after)
	if !ok || err1 != nil || err2 != nil || index < 1 || index > of {
		return fmt.Errorf("got %q, want i/n with i from 1 to n, for instance 1/4", text)
	}
	*s = shard{index: index, of: of}
	return nil
}

// has reports whether the i-th run, 0-based, belongs to the share. Neighbours
// go to different shares, so that large points are spread evenly.
func (s shard) has(i int) bool { return s.of == 0 || i%s.of == s.index-1 }
