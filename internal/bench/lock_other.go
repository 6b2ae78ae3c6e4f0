//go:build !linux

package main

import (
	"errors"
	"time"
)

// lockWatch is not there: other systems do not tell who holds a lock.
type lockWatch struct{}

func watchLock(string) *lockWatch { return &lockWatch{} }

func (*lockWatch) stop() (time.Duration, error) { return 0, errors.ErrUnsupported }
