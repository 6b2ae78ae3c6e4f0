package passwordproc

import (
	"os/exec"
	"syscall"
)

// belowNormal is BELOW_NORMAL_PRIORITY_CLASS of CreateProcess.
const belowNormal = 0x4000

func lower(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: belowNormal} }

func lowerThis() {}
