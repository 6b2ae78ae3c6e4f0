package passwordproc

import (
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is what is added to the nice value: 10 gets a tenth of a processor
// that others want, and all of one that nobody wants.
const niceness = 10

func lower(*exec.Cmd) {}

// lowerThis makes this process one that computes in the background: it never
// takes a processor away from others when it wakes (SCHED_BATCH, sched(7)). To
// Linux that is of each thread, and new threads have it from those that make
// them. If it fails, hashing is only less considerate.
func lowerThis() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: niceness}, 0)
		}
	}
}
