package snapshot

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The tests need writers in processes of their own: POSIX locks of one process
// do not exclude each other. So the test binary runs itself in these roles.
const (
	roleVar   = "PRESSMARK_SNAPSHOT_TEST_ROLE"
	roleShell = "shell" // runs the statements on its input on one connection to args[1]
	roleTake  = "take"  // copies args[1] into a Dir in args[2] and prints the Copy
	roleOwner = "owner" // opens a Dir in args[1], prints its path and waits
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(role string, args []string) error {
	switch role {
	case roleShell:
		return shell(args[0])
	case roleOwner:
		d, err := OpenDir(args[0])
		if err != nil {
			return err
		}
		fmt.Println(d.Path)
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	case roleTake:
		d, err := OpenDir(args[1])
		if err != nil {
			return err
		}
		defer d.Close()
		c, err := d.Take(context.Background(), args[0], Options{})
		if err == nil {
			err = c.Check(context.Background())
		}
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(c)
	}
	return fmt.Errorf("unknown role %q", role)
}

// shell answers each statement with "ok" or the error. ".churn", with statements
// after it or bump, commits them again and again until the input ends.
func shell(path string) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", dsn(path, "mode=rwc"))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if change, ok := strings.CutPrefix(lines.Text(), ".churn"); ok {
			fmt.Println("ok")
			return churn(ctx, conn, "BEGIN IMMEDIATE;"+cmp.Or(change, bump)+"COMMIT", lines)
		}
		if _, err := conn.ExecContext(ctx, lines.Text()); err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
	return lines.Err()
}

func churn(ctx context.Context, conn *sql.Conn, change string, input *bufio.Scanner) error {
	end := make(chan struct{})
	go func() {
		for input.Scan() {
		}
		close(end)
	}()
	for {
		select {
		case <-end:
			return nil
		default:
		}
		if _, err := conn.ExecContext(ctx, change); err != nil {
			return err
		}
	}
}

// process is a running copy of the test binary.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
}

func start(t testing.TB, role string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), roleVar+"="+role)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// writer starts a process with a connection to the database at path, which
// waits for locks as long as Calibre does.
func writer(t testing.TB, path string) *process {
	t.Helper()
	p := start(t, roleShell, path)
	p.ok("PRAGMA busy_timeout=10000")
	return p
}

func (p *process) send(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.input, strings.ReplaceAll(line, "\n", " ")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) answer() string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the process ended: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// ok runs statements that must succeed.
func (p *process) ok(statements ...string) {
	p.t.Helper()
	for _, s := range statements {
		p.send(s)
		if a := p.answer(); a != "ok" {
			p.t.Fatalf("%s: %s", s, a)
		}
	}
}

// close ends the process in an orderly way.
func (p *process) close() {
	p.t.Helper()
	p.input.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("process: %v", err)
	}
}

// kill ends it as a power cut would. Doing so twice does nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}
