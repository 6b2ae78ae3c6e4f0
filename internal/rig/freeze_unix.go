//go:build unix

package rig

import (
	"os"
	"syscall"
)

// Freeze stops a process, which then is there and does nothing.
func Freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func Thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
