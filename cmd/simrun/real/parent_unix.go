//go:build unix && !linux

package real

import "syscall"

// attributes puts a process into a group of its own. When this one dies, its
// standard input ends, and so does it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
