//go:build unix

package server

import (
	"os/exec"
	"syscall"
)

// runAs makes a command run as another user, who is in no group.
func runAs(cmd *exec.Cmd, uid uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}
