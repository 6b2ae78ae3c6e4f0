// Package redistest has Redis for tests.
//
// The server is the one that PRESSMARK_TEST_REDIS_URL names. Without it, it is a
// container of the image in PRESSMARK_TEST_REDIS_IMAGE, or else of Image, one for
// all tests of a binary, and each test has keys of its own. Tests that break the
// server or need a Cluster have a container to themselves. Without a container
// engine they skip, or fail if PRESSMARK_REQUIRE_CONTAINERS is 1.
//
//	func TestMain(m *testing.M) { os.Exit(redistest.Main{M: m}.Run()) }
package redistest

import (
	"cmp"
	"context"
	"crypto/rand"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/internal/containertest"
)

// Image is what the server runs when PRESSMARK_TEST_REDIS_IMAGE is not set.
const Image = "redis:7-alpine"

// shared is the server of this test binary.
var shared = containertest.Shared[*Server]{Server: single.server()}

// Main runs the tests of a test binary, a *testing.M or another Main, and then
// removes the container that they had started.
type Main struct{ M interface{ Run() int } }

// Run returns the exit code for the test binary.
func (m Main) Run() int { return shared.Run(m.M) }

// Open returns the address of a server, and a prefix that no other test has.
func Open(tb testing.TB) (address, prefix string) {
	tb.Helper()
	prefix = strings.ToLower(rand.Text()[:8]) + ":"
	if address := os.Getenv("PRESSMARK_TEST_REDIS_URL"); address != "" {
		return address, prefix
	}
	return shared.Open(tb).URL, prefix
}

// Server is a server of one test.
type Server struct {
	// URL is its address.
	URL string
	// nodes are the addresses under which the nodes of a Cluster know themselves,
	// and where they are reached.
	nodes     map[string]string
	container testcontainers.Container
}

// Start starts a server that is the test's own.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return single.server().Own(tb)
}

// StartCluster starts a Cluster of three masters that is the test's own.
func StartCluster(tb testing.TB) *Server {
	tb.Helper()
	return cluster.server().Own(tb)
}

// kind is what runs in a container.
type kind struct {
	ports  []string
	script string
	ready  string // a command that succeeds when it does
}

var (
	// A server comes back, empty, when it was shut down, unless it is to stay so.
	single = kind{
		ports:  []string{"6379"},
		script: `while :; do redis-server --save "" --protected-mode no --bind "*"; while [ -e /tmp/down ]; do sleep 0.05; done; done`,
		ready:  `redis-cli ping | grep PONG`,
	}
	cluster = kind{
		ports: []string{"7000", "7001", "7002"},
		script: `for p in 7000 7001 7002; do
			mkdir -p /tmp/$p; (cd /tmp/$p; redis-server --port $p --save "" --protected-mode no --bind "*" --cluster-enabled yes --cluster-announce-ip 127.0.0.1 &)
		done
		for p in 7000 7001 7002; do until redis-cli -p $p ping; do sleep 0.05; done; done
		redis-cli --cluster create 127.0.0.1:7000 127.0.0.1:7001 127.0.0.1:7002 --cluster-yes
		sleep infinity`,
		ready: `for p in 7000 7001 7002; do redis-cli -p $p cluster info | grep cluster_state:ok || exit 1; done`,
	}
)

func (k kind) server() containertest.Server[*Server] {
	return containertest.Server[*Server]{Name: "Redis", Start: k.start}
}

func (k kind) start(ctx context.Context) (testcontainers.Container, *Server, error) {
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_REDIS_IMAGE"), Image)
	ports := make([]string, len(k.ports))
	for i, p := range k.ports {
		ports[i] = p + "/tcp"
	}
	container, err := testcontainers.Run(ctx, image,
		testcontainers.WithEntrypoint("sh", "-c", k.script),
		testcontainers.WithExposedPorts(ports...),
		testcontainers.WithWaitStrategy(wait.ForExec([]string{"sh", "-c", k.ready}), wait.ForListeningPort(ports[0])))
	if err != nil {
		return container, nil, err
	}
	s := &Server{container: container, nodes: map[string]string{}}
	host, err := container.Host(ctx)
	if err != nil {
		return container, nil, err
	}
	for i, p := range k.ports {
		mapped, err := container.MappedPort(ctx, ports[i])
		if err != nil {
			return container, nil, err
		}
		s.nodes[net.JoinHostPort("127.0.0.1", p)] = net.JoinHostPort(host, mapped.Port())
	}
	s.URL = "redis://" + s.nodes["127.0.0.1:"+k.ports[0]]
	return container, s, nil
}

// Client returns a client of a server.
func (s *Server) Client(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	o, err := rediscache.ParseURL(s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	if len(s.nodes) > 1 {
		o.IsClusterMode = true
		// The nodes name each other by addresses that are the container's.
		o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: time.Second}
			return d.DialContext(ctx, network, cmp.Or(s.nodes[address], address))
		}
	}
	return open(tb, o)
}

// Client returns a client of the server at an address. It is closed when the test
// ends.
func Client(tb testing.TB, address string) redis.UniversalClient {
	tb.Helper()
	o, err := rediscache.ParseURL(address)
	if err != nil {
		tb.Fatal(err)
	}
	return open(tb, o)
}

func open(tb testing.TB, o *redis.UniversalOptions) redis.UniversalClient {
	tb.Helper()
	// Many tests run at a time; they are not about speed.
	o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 5*time.Second, 5*time.Second, 5*time.Second
	c := redis.NewUniversalClient(o)
	tb.Cleanup(func() { c.Close() })
	return c
}
