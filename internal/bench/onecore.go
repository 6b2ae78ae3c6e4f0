package main

import (
	"context"
	"errors"
	"fmt"
)

// oneCore measures the cached page with one core for the server, and after it for
// the bare handler, and the others for who asks.
func (l *lab) oneCore(ctx context.Context, n int) (_ outcome, err error) {
	lib, err := l.library(ctx, n)
	if err != nil {
		return outcome{}, err
	}
	srv, err := l.serve(lib.dir)
	if err != nil {
		return outcome{}, err
	}
	defer srv.stop()
	if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		return outcome{}, err
	}
	if _, err := srv.Prepared(ctx, readyWait); err != nil {
		return outcome{}, err
	}
	back, err := leaveCore()
	if errors.Is(err, errors.ErrUnsupported) {
		return outcome{absent: err.Error()}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, back()) }()
	if err := toCore(srv.PID()); err != nil {
		return outcome{}, err
	}
	t, err := cachedPage(ctx, srv, lib)
	if err != nil {
		return outcome{}, err
	}
	o, err := l.versusBareOn(ctx, srv, t, toCore)
	if err != nil {
		return outcome{}, err
	}
	o.note = fmt.Sprintf("%.2f of the bare handler's %.0f; %s", o.ours.PerSecond/o.other.PerSecond, o.other.PerSecond, o.note)
	o.value, o.unit = o.ours.PerSecond, perSecond
	return o, nil
}
