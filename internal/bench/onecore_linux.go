package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// toCore has a process run on the first core alone.
func toCore(pid int) error {
	var first unix.CPUSet
	first.Set(0)
	return runOn(pid, &first)
}

// leaveCore has this process leave the first core to others, until back is called.
func leaveCore() (back func() error, err error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, err
	}
	others := all
	if !others.IsSet(0) || others.Count() < 2 {
		return nil, fmt.Errorf("there is no other core than the first: %w", errors.ErrUnsupported)
	}
	others.Clear(0)
	return func() error { return runOn(os.Getpid(), &all) }, runOn(os.Getpid(), &others)
}

// runOn has all threads of a process run on some cores. New ones do as those that
// make them; so the second time there is none that was missed.
func runOn(pid int, cores *unix.CPUSet) error {
	for range 2 {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return err
		}
		for _, t := range tasks {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, cores); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("thread %d: %w", tid, err)
			}
		}
	}
	return nil
}
