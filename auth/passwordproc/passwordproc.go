// Package passwordproc hashes passwords in a process of its own, at a low
// priority. A hash is meant to take much time and memory: in the process that
// serves readers they would wait for it, and its garbage collector would run for
// each.
//
// A program starts itself again for that. In main, before anything else:
//
//	if len(os.Args) == 2 && os.Args[1] == "hash-passwords" {
//		return passwordproc.Serve(os.Stdin, os.Stdout)
//	}
//
// and where passwords are verified:
//
//	hasher := passwordproc.New(passwordproc.Options{Command: []string{self, "hash-passwords"}})
//	defer hasher.Close()
//	passwords, err := auth.NewPasswords(auth.PasswordOptions{Derive: hasher.Derive})
package passwordproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Options are the settings of a Hasher. Command has to be given.
type Options struct {
	// Command is a program and its arguments that call Serve.
	Command []string
	// Idle is how long the process waits for the next password before it ends. 0
	// means one minute.
	Idle time.Duration
	// Logger gets a line when the process cannot be used. nil is slog.Default.
	Logger *slog.Logger
}

// maxHash is how long one hash may take before the process is given up.
const maxHash = time.Minute

// Hasher derives keys in another process, one after another. The process is
// started when it is needed. Safe for concurrent use.
type Hasher struct {
	o Options

	mu     sync.Mutex
	child  *child
	idle   *time.Timer
	closed bool
}

// child is a process that runs Serve.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// New returns a hasher. It starts nothing yet.
func New(o Options) *Hasher {
	if o.Idle == 0 {
		o.Idle = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Hasher{o: o}
}

// answer is what the process says to a derivation.
type answer struct{ Key []byte }

// Derive is for auth.PasswordOptions. If the process cannot be used, the key is
// derived in this one.
func (h *Hasher) Derive(ctx context.Context, d auth.Derivation) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, err := h.ask(d)
	if err != nil {
		h.o.Logger.Warn("Passwords are hashed in the process that serves readers", "component", "auth", "err", err)
		return d.Key(), nil
	}
	return key, nil
}

// ask asks the process, which is started if there is none.
func (h *Hasher) ask(d auth.Derivation) ([]byte, error) {
	if h.closed {
		return nil, errors.New("the hasher is closed")
	}
	if h.child == nil {
		c, err := start(h.o.Command)
		if err != nil {
			return nil, err
		}
		h.child = c
	} else {
		h.idle.Stop()
	}
	current := h.child
	// Only an end of the process ends a read from it.
	tired := time.AfterFunc(maxHash, func() { current.cmd.Process.Kill() })
	var a answer
	err := json.NewEncoder(current.in).Encode(d)
	if err == nil {
		err = current.out.Decode(&a)
	}
	tired.Stop()
	if err == nil && len(a.Key) != int(d.Len) {
		err = fmt.Errorf("a key of %d bytes was expected, not %d", d.Len, len(a.Key))
	}
	if err != nil {
		current.cmd.Process.Kill()
		err = errors.Join(fmt.Errorf("process that hashes passwords: %w", err), h.end())
		return nil, err
	}
	h.idle = time.AfterFunc(h.o.Idle, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.child == current {
			_ = h.end() // it had nothing to do
		}
	})
	return a.Key, nil
}

func start(command []string) (*child, error) {
	if len(command) == 0 {
		return nil, errors.New("there is no command")
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	lower(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd, in, json.NewDecoder(out)}, nil
}

// end ends the process by the end of its input, and waits for it.
func (h *Hasher) end() error {
	c := h.child
	h.child = nil
	return errors.Join(c.in.Close(), c.cmd.Wait())
}

// Close ends the process. Passwords are hashed in this one from then on.
func (h *Hasher) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.idle != nil {
		h.idle.Stop()
	}
	if h.child == nil {
		return nil
	}
	return h.end()
}

// Serve derives what r asks for and writes it to w, until r ends: also because
// the process at its other end was killed.
func Serve(r io.Reader, w io.Writer) error {
	lowerThis()
	in, out := json.NewDecoder(r), json.NewEncoder(w)
	for {
		var d auth.Derivation
		switch err := in.Decode(&d); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read what to hash: %w", err)
		}
		if err := out.Encode(answer{d.Key()}); err != nil {
			return fmt.Errorf("write a hash: %w", err)
		}
	}
}
