package migrationstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

// Image is what the server runs when PRESSMARK_TEST_POSTGRES_IMAGE is not set.
const Image = "postgres:17-alpine"

var errNoEngine = errors.New("there is no container engine")

// shared is the server of this test binary.
var shared server

// A server is started by the first test that needs it and removed by Main.
type server struct {
	hasMain   bool // set before the tests run
	once      sync.Once
	container testcontainers.Container
	url       string
	err       error
}

// serverURL returns where the server is, when it is ready. It ends the test if
// there is none.
func serverURL(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("PRESSMARK_TEST_POSTGRES_URL"); url != "" {
		return url
	}
	if !shared.hasMain {
		tb.Fatal("the container would stay: TestMain has to run the tests by migrationstest.Main")
	}
	shared.once.Do(shared.start)
	switch err := shared.err; {
	case err == nil:
	case !errors.Is(err, errNoEngine):
		tb.Fatalf("starting PostgreSQL in a container: %v", err)
	case os.Getenv("PRESSMARK_REQUIRE_CONTAINERS") == "1":
		tb.Fatalf("this test needs PostgreSQL, and PRESSMARK_REQUIRE_CONTAINERS=1: %v", err)
	default:
		tb.Skipf("this test needs PostgreSQL; start a container engine or set PRESSMARK_TEST_POSTGRES_URL to run it: %v", err)
	}
	return shared.url
}

func (s *server) start() {
	// The image may have to be pulled first.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if s.err = engine(ctx); s.err != nil {
		return
	}
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_POSTGRES_IMAGE"), Image)
	container, err := postgres.Run(ctx, image, postgres.BasicWaitStrategies(),
		// As many tests run at a time as there are cores, each with a pool.
		testcontainers.WithCmdArgs("-c", "max_connections=500"))
	if container != nil {
		s.container = container // also one that started but was not ready in time
	}
	if err != nil {
		s.err = err
		return
	}
	s.url, s.err = container.ConnectionString(ctx, "sslmode=disable")
}

// engine returns an error that is errNoEngine if no container engine answers.
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

func (s *server) remove() error {
	s.once.Do(func() {}) // from here on nothing is started
	if s.container == nil {
		return nil
	}
	// Nothing in it is worth an orderly shutdown.
	if err := testcontainers.TerminateContainer(s.container, testcontainers.StopTimeout(0)); err != nil {
		return fmt.Errorf("removing PostgreSQL's container: %w", err)
	}
	return nil
}

// Main runs the tests of a test binary and then removes the container that they
// had started. It does so itself, and does not rely on testcontainers' Ryuk,
// which may be switched off; only a test binary that is killed leaves its
// container to Ryuk.
type Main struct{ M *testing.M }

// Run returns the exit code for the test binary.
func (m Main) Run() int {
	shared.hasMain = true
	code := m.M.Run()
	if err := shared.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}
