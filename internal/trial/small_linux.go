package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
)

// smallBytes is the room for the data of the second replica.
const smallBytes = 1 << 30

// mountSmall gives a folder a small file system of its own, which can be filled
// without harm, and returns it; "" if that cannot be had.
func mountSmall(_ context.Context, dir string, log io.Writer) string {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", smallBytes)); err != nil {
		fmt.Fprintf(log, "no file system of its own for a disk that is full, which takes root: %v\n", err)
		return ""
	}
	return dir
}

func unmount(dir string) error {
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}
