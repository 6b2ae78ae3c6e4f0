package main

import (
	"context"
	"io"
)

func tryStartup(context.Context, options, io.Writer) (*report, error) { return nil, nil }
func trySoak(context.Context, options, io.Writer) (*report, error)    { return nil, nil }
