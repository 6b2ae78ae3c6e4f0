//go:build !unix

package rig

import (
	"errors"
	"os"
)

func Freeze(*os.Process) error { return errors.ErrUnsupported }

func Thaw(*os.Process) error { return errors.ErrUnsupported }
