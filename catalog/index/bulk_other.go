//go:build !unix

package index

import (
	"errors"
	"os"
)

// Without mmap the bulk stays on the heap.
const canMap = false

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) {}
