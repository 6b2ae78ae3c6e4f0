//go:build unix && !linux

package passwordproc

import (
	"os/exec"
	"syscall"
)

func lower(*exec.Cmd) {}

// lowerThis lowers the priority of this process (setpriority(2)). If that fails,
// hashing is only less considerate.
func lowerThis() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10) }
