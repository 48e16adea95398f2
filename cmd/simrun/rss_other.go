//go:build !unix

package main

// peakRSS returns the most memory this process ever held, in bytes, or 0 where
// the system does not say.
func peakRSS() uint64 { return 0 }
