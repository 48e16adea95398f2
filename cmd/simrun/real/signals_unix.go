//go:build unix

package real

import (
	"os"
	"syscall"
)

// freeze stops a process, thaw lets it go on, kill ends it and what it started.
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

func thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

func kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
