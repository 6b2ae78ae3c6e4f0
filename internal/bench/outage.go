package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// redisServer is a Redis of the bench, in a network of its own where that can be
// had, so that packets to it can be dropped.
type redisServer struct {
	*process
	space string // its network namespace; empty is ours
}

// Addresses of the network between the bench and its Redis.
const (
	redisSpace = "pressmark-bench"
	nearIP     = "10.213.77.1"
	farIP      = "10.213.77.2"
)

var errNoSpace = errors.New("no network namespace can be made, which takes root, ip and iptables")

func (l *lab) startRedis(ctx context.Context, apart bool) (*redisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	args := []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--protected-mode", "no"}
	r := &redisServer{}
	if apart {
		if err := makeSpace(); err != nil {
			return nil, errors.Join(errNoSpace, err)
		}
		r.space = redisSpace
		addr, args[3] = net.JoinHostPort(farIP, port), farIP
		args = append([]string{"netns", "exec", redisSpace, program}, args...)
		program = "ip"
	}
	if r.process, err = start(addr, nil, program, args...); err != nil {
		return nil, err
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return r, conn.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			r.stop()
			return nil, fmt.Errorf("redis-server: %w", err)
		}
	}
}

func commands(lines ...[]string) error {
	for _, line := range lines {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", line, err, out)
		}
	}
	return nil
}

func makeSpace() error {
	if os.Getuid() != 0 {
		return errors.New("not root")
	}
	removeSpace()
	const near, far = "pressmark0", "pressmark1"
	return commands(
		[]string{"ip", "netns", "add", redisSpace},
		[]string{"ip", "link", "add", near, "type", "veth", "peer", "name", far},
		[]string{"ip", "link", "set", far, "netns", redisSpace},
		[]string{"ip", "addr", "add", nearIP + "/30", "dev", near},
		[]string{"ip", "link", "set", near, "up"},
		[]string{"ip", "netns", "exec", redisSpace, "ip", "addr", "add", farIP + "/30", "dev", far},
		[]string{"ip", "netns", "exec", redisSpace, "ip", "link", "set", far, "up"},
		[]string{"ip", "netns", "exec", redisSpace, "iptables", "-L", "-n"}, // whether it works
	)
}

// removeSpace removes what a run before may have left.
func removeSpace() { _ = commands([]string{"ip", "netns", "del", redisSpace}) }

func (r *redisServer) close() {
	_ = rig.Thaw(r.Cmd.Process)
	r.stop()
	if r.space != "" {
		removeSpace()
	}
}

// fault is something that is wrong with Redis.
type fault int

const (
	stopped fault = iota
	frozen
	dropped
)

func (r *redisServer) begin(f fault) error {
	switch f {
	case stopped:
		r.stop()
		return nil
	case frozen:
		return rig.Freeze(r.Cmd.Process)
	}
	return commands([]string{"ip", "netns", "exec", r.space, "iptables", "-A", "INPUT", "-j", "DROP"})
}

func (r *redisServer) end(f fault) (err error) {
	switch f {
	case stopped:
		p, err := start(r.Addr, nil, r.Cmd.Path, r.Cmd.Args[1:]...)
		if err == nil {
			r.process = p
		}
		return err
	case frozen:
		return rig.Thaw(r.Cmd.Process)
	}
	return commands([]string{"ip", "netns", "exec", r.space, "iptables", "-F", "INPUT"})
}

// Load while Redis fails: over so many connections, as fast as answers come.
const outageConns = 64

// outage compares the p99 of requests while Redis does not answer, from a second
// after that began, with that before. Every answer has to be 200.
func (l *lab) outage(books int, f fault) func(context.Context) (outcome, error) {
	return func(ctx context.Context) (outcome, error) {
		redis, err := l.startRedis(ctx, f == dropped)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errNoSpace) {
			return outcome{absent: err.Error()}, nil
		}
		if err != nil {
			return outcome{}, err
		}
		defer func() { redis.close() }()
		srv, metrics, queries, tokens, err := l.serveMix(ctx, books, 20, "REDIS_URL=redis://"+redis.Addr)
		if err != nil {
			return outcome{}, err
		}
		defer srv.stop()
		load, err := newLoad(srv.Addr, http.StatusOK, mixSources(queries, tokens, outageConns))
		if err != nil {
			return outcome{}, err
		}
		defer load.close()
		if _, err := load.run(ctx, l.opts.duration); err != nil { // to warm up
			return outcome{}, err
		}
		before, err := rig.ReadGauges(ctx, metrics)
		if err != nil {
			return outcome{}, err
		}
		healthy, err := load.run(ctx, l.opts.duration)
		if err != nil {
			return outcome{}, err
		}
		if err := redis.begin(f); err != nil {
			return outcome{}, err
		}
		first, err := load.run(ctx, time.Second)
		if err != nil {
			return outcome{}, fmt.Errorf("while Redis fails: %w", err)
		}
		ill, err := load.run(ctx, l.opts.duration)
		if err != nil {
			return outcome{}, fmt.Errorf("while Redis fails: %w", err)
		}
		during, err := rig.ReadGauges(ctx, metrics)
		if err != nil {
			return outcome{}, err
		}
		if during["cache_breaker_open"] != 1 {
			return outcome{}, errors.New("Redis is still used")
		}
		if err := redis.end(f); err != nil {
			return outcome{}, err
		}
		took, err := recovered(ctx, metrics)
		if err != nil {
			return outcome{}, err
		}
		p99 := func(s slice) time.Duration { return rig.Quantile(s.took, 0.99) }
		return outcome{
			value: max(p99(ill)-p99(healthy), 0).Seconds(), unit: seconds,
			note: fmt.Sprintf("p99 of %d connections %s before, %s in the second in which it fails (longest %s), %s after that; %d requests, none failed; goroutines %.0f before, %.0f during; used again %s after it was back",
				outageConns, format(p99(healthy).Seconds(), seconds), format(p99(first).Seconds(), seconds), format(slices.Max(first.took).Seconds(), seconds), format(p99(ill).Seconds(), seconds),
				healthy.requests+first.requests+ill.requests, before["go_goroutines"], during["go_goroutines"], format(took.Seconds(), seconds)),
		}, nil
	}
}

// recovered waits until a server uses Redis again and listens to it.
func recovered(ctx context.Context, metrics string) (time.Duration, error) {
	began := time.Now()
	for time.Since(began) < time.Minute {
		g, err := rig.ReadGauges(ctx, metrics)
		if err != nil {
			return 0, err
		}
		if g["cache_breaker_open"] == 0 && g["cache_listening"] == 1 {
			return time.Since(began), nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, errors.New("Redis is not used again a minute after it was back")
}
