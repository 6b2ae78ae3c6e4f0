package main

import (
	"context"
	"io"
)

const replicaName, floodName = "replica", "flood"

func serveReplica(context.Context, io.Writer) error                   { return nil }
func flood(context.Context, []string, io.Writer) error                { return nil }
func tryChaos(context.Context, options, io.Writer) (*report, error)   { return nil, nil }
func trySoak(context.Context, options, io.Writer) (*report, error)    { return nil, nil }
func tryStartup(context.Context, options, io.Writer) (*report, error) { return nil, nil }
