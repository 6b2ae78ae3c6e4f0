package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a server that the bench has started.
type process struct {
	addr  string
	cmd   *exec.Cmd
	began time.Time
	log   *tail
	ended chan struct{} // closed when it has ended
}

// tail keeps the end of what a process prints.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// last returns the last lines printed.
func (t *tail) last(lines int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// start runs a program that will listen on addr. env replaces the whole
// environment but for what every program needs.
func start(addr string, env []string, program string, args ...string) (*process, error) {
	p := &process{addr: addr, log: &tail{}, ended: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = append(inherited(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait() // how it ended is of no interest: it is killed
		close(p.ended)
	}()
	return p, nil
}

// inherited are the variables that a server under test gets from ours: not its
// own settings, which would change what is measured.
func inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits for it: with a signal that lets it clean up,
// and by force when that takes too long.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// ready asks path until the server answers 200, and returns how long that took
// from the start of the process.
func (p *process) ready(ctx context.Context, path string, wait time.Duration) (time.Duration, error) {
	// A request that hangs must not outlast the wait.
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("%s did not answer within %v", path, wait))
	defer cancel()
	for {
		select {
		case <-p.ended:
			return 0, fmt.Errorf("%s ended before it was ready; its last words:\n%s", p.cmd.Path, p.log.last(20))
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w; its last words:\n%s", p.cmd.Path, context.Cause(ctx), p.log.last(20))
		case <-time.After(2 * time.Millisecond):
		}
		if status, _, err := p.fetch(ctx, path); err == nil && status == http.StatusOK {
			return time.Since(p.began), nil
		}
	}
}

// prepared waits until the server finds text without looking at all of it, and
// returns how long it says that it took to get there.
func (p *process) prepared(ctx context.Context, wait time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("text search was not prepared within %v", wait))
	defer cancel()
	for {
		if took, err := p.log.prepared(); took > 0 || err != nil {
			return took, err
		}
		select {
		case <-p.ended:
			return 0, fmt.Errorf("%s ended before text search was prepared; its last words:\n%s", p.cmd.Path, p.log.last(20))
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w; its last words:\n%s", p.cmd.Path, context.Cause(ctx), p.log.last(20))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// prepared finds the line of a server's log, in JSON, that says how long the
// preparation of text search took. It is 0 as long as there is none.
func (t *tail) prepared() (time.Duration, error) {
	for line := range strings.Lines(t.last(tailSize)) {
		if !strings.Contains(line, "Ready to search text") {
			continue
		}
		var said struct{ Took string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			return 0, fmt.Errorf("%q is no line of a log in JSON: %w", line, err)
		}
		took, err := time.ParseDuration(said.Took)
		return max(took, 1), err
	}
	return 0, nil
}

// fetch gets a path of the server once, on a connection of its own.
func (p *process) fetch(ctx context.Context, path string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// fetchOK is fetch for an answer that must be 200.
func (p *process) fetchOK(ctx context.Context, path string) ([]byte, error) {
	status, body, err := p.fetch(ctx, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answered %d: %.300s", status, body)
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return body, nil
}

// buildServer compiles cmd/pressmark into dir and returns the binary's path.
func buildServer(ctx context.Context, dir string) (string, error) {
	out := dir + "/pressmark"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "github.com/pressmark/pressmark/cmd/pressmark")
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("go build ./cmd/pressmark: %w", err), errors.New(words.String()))
	}
	return out, nil
}
