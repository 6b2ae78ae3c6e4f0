package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// Locks of one process do not exclude each other, and a superuser may write
// everywhere. So the test binary runs itself in the roles of this file.
const (
	roleVar       = "PRESSMARK_SERVER_TEST_ROLE"
	roleExclusive = "exclusive" // renames book 1 of database args[0], then holds it EXCLUSIVE until its input ends
	roleServe     = "serve"     // serves library args[0] with data folder args[1] until its input ends
	roleShut      = "shut"      // is refused library args[0] with data folder args[1]
	roleVisit     = "visit"     // opens, asks and refreshes library args[0] with data folder args[1]
	roleWrite     = "write"     // numbers the books of database args[0] until its input ends
)

// TestRole is not a test but what a second process of the test binary does.
func TestRole(t *testing.T) {
	args := os.Args[len(os.Args)-2:]
	switch os.Getenv(roleVar) {
	case "":
		t.Skip("it runs in other processes")
	case roleExclusive:
		beExclusive(t, args[0])
	case roleServe:
		s := open(t, roleConfig(args))
		go refreshAll(t.Context(), s)
		fmt.Println(serve(t, s))
		_, _ = io.Copy(io.Discard, os.Stdin)
	case roleShut:
		beShutOut(t, roleConfig(args))
	case roleVisit:
		visit(t, roleConfig(args))
	case roleWrite:
		number(t, args[0])
	}
}

func roleConfig(args []string) Config {
	return Config{
		Libraries: []Library{{Path: args[0]}}, DataDir: args[1], PublicRead: true, ListenAddr: "127.0.0.1:0",
		Logger: slog.New(slog.DiscardHandler),
	}
}

func beExclusive(t *testing.T, path string) {
	db, err := calibretest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{`UPDATE books SET title = 'Held', last_modified = '2001-01-01 00:00:00+00:00' WHERE id = 1`, `BEGIN EXCLUSIVE`} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if _, err := db.Exec(`ROLLBACK`); err != nil {
		t.Fatal(err)
	}
}

// process is a second process of the test binary.
type process struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Reader
	errs  *lastBytes
}

// start starts the test binary in a role, which may print lines.
func start(t *testing.T, role string, change func(*exec.Cmd), args ...string) *process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{errs: &lastBytes{}}
	p.cmd = exec.Command(binary, append([]string{"-test.run=^TestRole$", "--"}, args...)...)
	p.cmd.Env = append(os.Environ(), roleVar+"="+role)
	p.cmd.Stderr = p.errs
	if change != nil {
		change(p.cmd)
	}
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
	})
	return p
}

// line is the next line that the process prints.
func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the other process ended: %v, %s\n%s%s", err, p.cmd.Args, line, p.errs)
	}
	return line[:len(line)-1]
}

// end closes the input of the process and returns how it ended.
func (p *process) end() error {
	p.input.Close()
	rest, _ := io.ReadAll(p.lines)
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the other process: %w\n%s%s", err, rest, p.errs)
	}
	return nil
}

// lastBytes keeps what is written to it.
type lastBytes struct{ b []byte }

func (l *lastBytes) Write(b []byte) (int, error) { l.b = append(l.b, b...); return len(b), nil }
func (l *lastBytes) String() string              { return string(l.b) }

// serve serves s on a free port of this machine until the test ends, and
// returns its address.
func serve(t *testing.T, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s.URL(ln)
}

// refreshAll looks for changes again and again until ctx ends.
func refreshAll(ctx context.Context, s *Server) {
	for ctx.Err() == nil {
		for _, lib := range s.libraries {
			_ = lib.Refresh(ctx) // Status has the problem
		}
	}
}

// fetch asks for a path and returns status and body.
func fetch(ctx context.Context, c *http.Client, url string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func database(root string) string { return filepath.Join(root, "metadata.db") }
