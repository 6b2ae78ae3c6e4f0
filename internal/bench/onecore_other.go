//go:build !linux

package main

import (
	"errors"
	"fmt"
)

var errCores = fmt.Errorf("processes cannot be tied to a core here: %w", errors.ErrUnsupported)

func toCore(int) error { return errCores }

func leaveCore() (func() error, error) { return nil, errCores }
