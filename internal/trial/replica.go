package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/httpapi/server"
)

// replicaName is the first argument that makes this program a replica whose
// clock can be set.
const replicaName = "replica"

// clockVariable names the file that says by how much the clock goes ahead.
const clockVariable = "TRIAL_CLOCK"

// clockEvery is how often it is looked at.
const clockEvery = 50 * time.Millisecond

// serveReplica is "pressmark serve" with a clock that can be set: the machine's
// belongs to others, too, and no environment can give a Go program another.
func serveReplica(ctx context.Context, stderr io.Writer) (err error) {
	name := os.Getenv(clockVariable)
	c, err := server.Parse(nil, os.Getenv)
	if err != nil {
		return err
	}
	var ahead atomic.Int64
	read := func() {
		text, err := os.ReadFile(name)
		if err != nil {
			return // it is not there yet
		}
		if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
			ahead.Store(int64(d))
		}
	}
	read()
	c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	c.Logger = c.NewLogger(stderr)
	s, err := server.Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ln, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	go func() {
		tick := time.NewTicker(clockEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				read()
			}
		}
	}()
	return s.Serve(ctx, ln)
}
