//go:build unix

package real

import (
	"os"
	"runtime"
	"syscall"
)

// maxRSS is the most memory that a process which has ended ever held, in bytes.
func maxRSS(s *os.ProcessState) uint64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return uint64(usage.Maxrss) // bytes; elsewhere KiB
	}
	return uint64(usage.Maxrss) << 10
}
