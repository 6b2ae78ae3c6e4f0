// Package rig is what the programs that measure servers have in common: servers
// as processes of their own, what the kernel and their metrics tell of them, and
// statistics. It needs Linux for the figures of the kernel.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Process is a server that runs as a process of its own.
type Process struct {
	Addr  string // where it listens
	Cmd   *exec.Cmd
	Began time.Time
	Log   *Tail
	Ended chan struct{} // closed when it has ended
}

// Tail keeps the end of what a process prints.
type Tail struct {
	mu   sync.Mutex
	buf  []byte
	also io.Writer // gets all of it; nil is nobody
}

const tailSize = 16 << 10

// Write implements io.Writer.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if t.also != nil {
		_, _ = t.also.Write(b) // the process must not stop for it
	}
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// Last returns the last lines printed.
func (t *Tail) Last(lines int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Start runs a program that will listen on addr. env replaces the whole
// environment but for what every program needs.
func Start(addr string, env []string, program string, args ...string) (*Process, error) {
	return StartLogged(addr, nil, env, program, args...)
}

// StartLogged is Start, and log gets all that the process prints.
func StartLogged(addr string, log io.Writer, env []string, program string, args ...string) (*Process, error) {
	p := &Process{Addr: addr, Log: &Tail{also: log}, Ended: make(chan struct{})}
	p.Cmd = exec.Command(program, args...)
	p.Cmd.Env = append(Inherited(), env...)
	p.Cmd.Stdout, p.Cmd.Stderr = p.Log, p.Log
	p.Began = time.Now()
	if err := p.Cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.Cmd.Wait() // how it ended is of no interest: it is killed
		close(p.Ended)
	}()
	return p, nil
}

// Inherited are the variables that a server under test gets from ours: not its
// own settings, which would change what is measured.
func Inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// PID is the number of the process.
func (p *Process) PID() int { return p.Cmd.Process.Pid }

// Stop ends the process and waits for it: with a signal that lets it clean up,
// and by force when that takes too long.
func (p *Process) Stop() {
	p.Cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.Ended:
	case <-time.After(10 * time.Second):
		p.Cmd.Process.Kill()
		<-p.Ended
	}
}

// Ready asks path until the server answers 200, and returns how long that took
// from the start of the process.
func (p *Process) Ready(ctx context.Context, path string, wait time.Duration) (time.Duration, error) {
	// A request that hangs must not outlast the wait.
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("%s did not answer within %v", path, wait))
	defer cancel()
	for {
		select {
		case <-p.Ended:
			return 0, fmt.Errorf("%s ended before it was ready; its last words:\n%s", p.Cmd.Path, p.Log.Last(20))
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w; its last words:\n%s", p.Cmd.Path, context.Cause(ctx), p.Log.Last(20))
		case <-time.After(2 * time.Millisecond):
		}
		if status, _, err := p.Fetch(ctx, path); err == nil && status == http.StatusOK {
			return time.Since(p.Began), nil
		}
	}
}

// Prepared waits until the server finds text without looking at all of it, and
// returns how long it says that it took to get there.
func (p *Process) Prepared(ctx context.Context, wait time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("text search was not prepared within %v", wait))
	defer cancel()
	for {
		if took, err := p.Log.prepared(); took > 0 || err != nil {
			return took, err
		}
		select {
		case <-p.Ended:
			return 0, fmt.Errorf("%s ended before text search was prepared; its last words:\n%s", p.Cmd.Path, p.Log.Last(20))
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w; its last words:\n%s", p.Cmd.Path, context.Cause(ctx), p.Log.Last(20))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// prepared finds the line of a server's log, in JSON, that says how long the
// preparation of text search took. It is 0 as long as there is none.
func (t *Tail) prepared() (time.Duration, error) {
	for line := range strings.Lines(t.Last(tailSize)) {
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

// Fetch gets a path of the server once, on a connection of its own.
func (p *Process) Fetch(ctx context.Context, path string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+path, nil)
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

// FetchOK is Fetch for an answer that must be 200.
func (p *Process) FetchOK(ctx context.Context, path string) ([]byte, error) {
	status, body, err := p.Fetch(ctx, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answered %d: %.300s", status, body)
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return body, nil
}

// BuildServer compiles cmd/pressmark into dir and returns the binary's path.
func BuildServer(ctx context.Context, dir string) (string, error) {
	out := dir + "/pressmark"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "github.com/pressmark/pressmark/cmd/pressmark")
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("go build ./cmd/pressmark: %w", err), errors.New(words.String()))
	}
	return out, nil
}

// Listening waits until the server takes connections.
func (p *Process) Listening(ctx context.Context) error {
	for {
		conn, err := net.DialTimeout("tcp", p.Addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Ended:
			return fmt.Errorf("%s ended; its last words:\n%s", p.Cmd.Path, p.Log.Last(20))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(p.Began) > 10*time.Second {
			return fmt.Errorf("%s does not listen on %s: %w", p.Cmd.Path, p.Addr, err)
		}
	}
}

// Send sends JSON to the server and reads what it answers into v, if it answers
// with the status that is wanted.
func (p *Process) Send(ctx context.Context, method, path string, body any, want int, v any, header ...string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.Addr+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("answered %d: %.300s", res.StatusCode, answer)
	}
	if err == nil && v != nil {
		err = json.Unmarshal(answer, v)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// FreeAddr returns an address of this machine that nobody listens on. The port is
// below those that systems give to connections (from 32768 on, on Linux): under
// load one of these would soon be taken by a connection of somebody.
func FreeAddr() (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}
