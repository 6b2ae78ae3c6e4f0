//go:build unix

package main

import (
	"os"
	"syscall"
)

// freeze stops a process, which then is there and does nothing.
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// thaw lets it go on.
func thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
