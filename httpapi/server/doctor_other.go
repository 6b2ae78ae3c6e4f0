//go:build !linux && !darwin

package server

// freeSpace is not known here.
func freeSpace(string) (uint64, bool) { return 0, false }

// openFiles is not known here.
func openFiles() (uint64, bool) { return 0, false }
