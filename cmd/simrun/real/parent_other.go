//go:build !unix

package real

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
