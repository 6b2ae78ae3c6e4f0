package passwordproc

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// niceness is what is added to the nice value: 10 gets a tenth of a processor
// that others want, and all of one that nobody wants.
const niceness = 10

func lower(*exec.Cmd) {}

// lowerThis lowers the priority of this process: to Linux it is one of each
// thread, which new threads have from those that make them (setpriority(2)). If
// that fails, hashing is only less considerate.
func lowerThis() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness)
		return
	}
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, niceness)
		}
	}
}
