// Package containertest runs servers in containers for tests. Without a container
// engine such a test skips, or fails if PRESSMARK_REQUIRE_CONTAINERS is 1.
//
// A container is removed by who started it, and not by testcontainers' Ryuk, which
// may be switched off; only a test binary that is killed leaves its own to Ryuk.
package containertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

// errNoEngine says that no container engine answers.
var errNoEngine = errors.New("there is no container engine")

// startTimeout is enough for an image that has to be pulled first.
const startTimeout = 5 * time.Minute

// Server is a server in a container.
type Server[S any] struct {
	// Name is what the server is, as in "this test needs Redis".
	Name string
	// Start starts a container and returns what tests have to know of it. A
	// container that did not get ready in time comes with the error, to be removed.
	Start func(context.Context) (testcontainers.Container, S, error)
}

// start is Start, once it is known that there is an engine.
func (s Server[S]) start() (c testcontainers.Container, got S, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := engine(ctx); err != nil {
		return nil, got, err
	}
	return s.Start(ctx)
}

// Own starts a server that is the test's own.
func (s Server[S]) Own(tb testing.TB) S {
	tb.Helper()
	c, got, err := s.start()
	tb.Cleanup(func() {
		if err := s.remove(c); err != nil {
			tb.Error(err)
		}
	})
	s.need(tb, err)
	return got
}

// need ends the test if the server could not be started.
func (s Server[S]) need(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case !errors.Is(err, errNoEngine):
		tb.Fatalf("starting %s in a container: %v", s.Name, err)
	case os.Getenv("PRESSMARK_REQUIRE_CONTAINERS") == "1":
		tb.Fatalf("this test needs %s, and PRESSMARK_REQUIRE_CONTAINERS=1: %v", s.Name, err)
	default:
		tb.Skipf("this test needs %s; start a container engine to run it: %v", s.Name, err)
	}
}

// remove removes a container, if there is one. Nothing in it is worth an orderly
// shutdown.
func (s Server[S]) remove(c testcontainers.Container) error {
	if err := testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0)); err != nil {
		return fmt.Errorf("removing the container of %s: %w", s.Name, err)
	}
	return nil
}

// engine returns errNoEngine, and why, if no container engine answers.
func engine(ctx context.Context) error {
	provider, err := testcontainers.ProviderDefault.GetProvider()
	if err != nil {
		return fmt.Errorf("%w: %w", errNoEngine, err)
	}
	defer provider.Close()
	if err := provider.Health(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNoEngine, err)
	}
	return nil
}

// Shared is a server that all tests of a binary share. The first that needs it
// starts it.
type Shared[S any] struct {
	Server Server[S]

	hasMain   bool // set before the tests run
	once      sync.Once
	container testcontainers.Container
	got       S
	err       error
}

// Run runs the tests of a test binary, a *testing.M or what has one, and then
// removes the server. It returns the exit code.
func (s *Shared[S]) Run(m interface{ Run() int }) int {
	s.hasMain = true
	code := m.Run()
	s.once.Do(func() {}) // from here on nothing is started
	if err := s.Server.remove(s.container); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Open returns the server.
func (s *Shared[S]) Open(tb testing.TB) S {
	tb.Helper()
	if !s.hasMain {
		tb.Fatal("the container would stay: TestMain has to run the tests by Main")
	}
	s.once.Do(func() { s.container, s.got, s.err = s.Server.start() })
	s.Server.need(tb, s.err)
	return s.got
}
