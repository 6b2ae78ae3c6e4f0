//go:build !linux

package main

import (
	"context"
	"io"
)

func mountSmall(context.Context, string, io.Writer) string { return "" }

func unmount(string) error { return nil }
