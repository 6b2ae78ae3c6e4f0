package migrationstest

import (
	"cmp"
	"context"
	"os"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"

	"github.com/pressmark/pressmark/internal/containertest"
)

// Image is what the server runs when PRESSMARK_TEST_POSTGRES_IMAGE is not set.
const Image = "postgres:17-alpine"

// shared is the server of this test binary.
var shared = containertest.Shared[string]{Server: containertest.Server[string]{Name: "PostgreSQL", Start: start}}

// serverURL returns where the server is, when it is ready. It ends the test if
// there is none.
func serverURL(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("PRESSMARK_TEST_POSTGRES_URL"); url != "" {
		return url
	}
	return shared.Open(tb)
}

func start(ctx context.Context) (testcontainers.Container, string, error) {
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_POSTGRES_IMAGE"), Image)
	container, err := postgres.Run(ctx, image, postgres.BasicWaitStrategies(),
		// As many tests run at a time as there are cores, each with a pool.
		testcontainers.WithCmdArgs("-c", "max_connections=500"))
	if err != nil {
		return container, "", err
	}
	url, err := container.ConnectionString(ctx, "sslmode=disable")
	return container, url, err
}

// Main runs the tests of a test binary, a *testing.M or another Main, and then
// removes the container that they had started.
type Main struct{ M interface{ Run() int } }

// Run returns the exit code for the test binary.
func (m Main) Run() int { return shared.Run(m.M) }
