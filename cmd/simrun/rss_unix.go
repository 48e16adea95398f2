//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// peakRSS returns the most memory this process ever held, in bytes, or 0 where
// the system does not say.
func peakRSS() uint64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	switch runtime.GOOS {
	case "darwin", "ios", "solaris", "illumos": // bytes
		return uint64(usage.Maxrss)
	default: // KiB
		return uint64(usage.Maxrss) << 10
	}
}
