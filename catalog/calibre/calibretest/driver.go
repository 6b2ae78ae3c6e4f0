package calibretest

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

//go:embed driver.py
var driverScript []byte

// Driver is a Calibre process that has a library open, as Calibre's window has,
// and executes Python in it. An edit takes a millisecond where calibredb takes
// half a second, and every function of Calibre's database API (calibre/db/cache.py)
// can be called. Its methods may be called at the same time; Calibre executes
// one after another.
type Driver struct {
	tb     testing.TB // nil of one that StartDriver made
	dir    string     // of the script, removed at the end
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *bytes.Buffer

	mu      sync.Mutex // one request and its answer at a time
	answers *bufio.Reader
	closed  bool
}

// NewDriver starts Calibre on the library in a folder; the process ends with the
// test. Like Calibre's window it does not see what others change in the
// database, and it may undo it.
func NewDriver(tb testing.TB, library string) *Driver {
	tb.Helper()
	RequireCalibre(tb)
	d, err := StartDriver(library)
	if err != nil {
		tb.Fatal(err)
	}
	d.tb = tb
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// StartDriver is NewDriver for programs that are no tests: the caller closes it,
// and asks by Eval.
func StartDriver(library string) (_ *Driver, err error) {
	dir, err := os.MkdirTemp("", "calibre-driver-*")
	if err != nil {
		return nil, err
	}
	d := &Driver{dir: dir, stderr: &bytes.Buffer{}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("calibre: %w", errors.Join(err, os.RemoveAll(dir)))
		}
	}()
	script := filepath.Join(dir, "driver.py")
	if err := os.WriteFile(script, driverScript, 0o600); err != nil {
		return nil, err
	}
	// Not the context of a test, which ends before its cleanup: the library is
	// to be closed in good order.
	d.cmd = command(context.Background(), dir, "calibre-debug", "-e", script, "--", library)
	d.cmd.Stderr = d.stderr
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.answers = bufio.NewReader(stdout)
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := d.answer(); err != nil { // that it has opened the library
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Exec executes Python code and returns the value of its last statement, if that
// is an expression, through JSON: maps, slices, strings, float64, bool, nil;
// dates in ISO form, sets as sorted lists, all else as Python prints it. In the
// code, db is the library's new_api, library the older API, and args the list of
// args. Names that are assigned stay for the next call. An exception ends the
// test; it is for drivers that a test made.
//
//	d.Exec(`db.set_field('title', {1: args[0]})`, "The Tide Clerk’s Son")
func (d *Driver) Exec(code string, args ...any) any {
	d.tb.Helper()
	var value any
	if err := d.Eval(&value, code, args...); err != nil {
		d.tb.Fatal(err)
	}
	return value
}

// Eval is Exec for typed values and for goroutines other than the test's: it
// decodes the value into what into points to, unless that is nil, and returns an
// exception, with its traceback, as an error.
func (d *Driver) Eval(into any, code string, args ...any) error {
	request, err := json.Marshal(map[string]any{"code": code, "args": args})
	if err != nil {
		return fmt.Errorf("calibre: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("calibre: %w", os.ErrClosed)
	}
	if _, err := d.stdin.Write(append(request, '\n')); err != nil {
		return fmt.Errorf("calibre: %w", err)
	}
	result, err := d.answer()
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(result, into); err != nil {
		return fmt.Errorf("calibre: %w", err)
	}
	return nil
}

// answer reads one line.
func (d *Driver) answer() (json.RawMessage, error) {
	line, err := d.answers.ReadBytes('\n')
	if err != nil { // the process has ended; its stderr says why
		d.closed = true
		err = errors.Join(err, d.cmd.Wait(), os.RemoveAll(d.dir))
		return nil, fmt.Errorf("calibre ended: %w\n%s", err, d.stderr)
	}
	var answer struct {
		Result json.RawMessage
		Error  string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, fmt.Errorf("calibre answered %q: %w", line, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("calibre: %s", answer.Error)
	}
	return answer.Result, nil
}

// Close closes the library, so that another Calibre can open it, and ends the
// process. A process that does not end by itself in ten seconds is killed. A
// second Close does nothing.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	defer os.RemoveAll(d.dir)
	kill := time.AfterFunc(10*time.Second, func() { d.cmd.Process.Kill() })
	defer kill.Stop()
	d.stdin.Close()
	io.Copy(io.Discard, d.answers)
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("calibre: %w\n%s", err, d.stderr)
	}
	return nil
}
