package real

import "syscall"

// attributes puts a process into a group of its own, and has it killed when this
// one dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
