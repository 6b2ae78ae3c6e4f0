// Package s3test has S3 servers for tests.
//
// [Open] uses the server at PRESSMARK_TEST_S3_ENDPOINT, with the credentials that
// the environment has as usual. Without it, it is a container of the image in
// PRESSMARK_TEST_S3_IMAGE, or else of [Image], one for all tests of a binary. Each
// test has a bucket of its own. Without a container engine such tests skip, or
// fail if PRESSMARK_REQUIRE_CONTAINERS is 1.
//
//	func TestMain(m *testing.M) { os.Exit(s3test.Main{M: m}.Run()) }
//
// [InProcess] is a server in the memory of the test, for machines that have no
// container engine. [Server.Front] counts requests, and makes them fail.
package s3test

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/internal/containertest"
)

// Image is what the server runs when PRESSMARK_TEST_S3_IMAGE is not set.
const Image = "versity/versitygw:v1.8.0"

// Server is an S3 server.
type Server struct {
	// Endpoint is its address, such as "http://127.0.0.1:7070".
	Endpoint string
	// AccessKeyID and SecretAccessKey may do everything.
	AccessKeyID, SecretAccessKey string

	inexact bool // its checksums are not those of the object
}

// shared is the server of this test binary.
var shared = containertest.Shared[Server]{Server: containertest.Server[Server]{Name: "S3", Start: start}}

// Main runs the tests of a test binary, a *testing.M or another Main, and then
// removes the container that they had started.
type Main struct{ M interface{ Run() int } }

// Run returns the exit code for the test binary.
func (m Main) Run() int { return shared.Run(m.M) }

// Open returns a real server.
func Open(tb testing.TB) Server {
	tb.Helper()
	endpoint := os.Getenv("PRESSMARK_TEST_S3_ENDPOINT")
	if endpoint == "" {
		return shared.Open(tb)
	}
	cfg, err := config.LoadDefaultConfig(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(tb.Context())
	if err != nil {
		tb.Fatalf("credentials for PRESSMARK_TEST_S3_ENDPOINT: %v", err)
	}
	return Server{Endpoint: endpoint, AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}
}

func start(ctx context.Context) (testcontainers.Container, Server, error) {
	const port = "7070/tcp"
	s := Server{AccessKeyID: "pressmark-test", SecretAccessKey: rand.Text()}
	container, err := testcontainers.Run(ctx, cmp.Or(os.Getenv("PRESSMARK_TEST_S3_IMAGE"), Image),
		testcontainers.WithEnv(map[string]string{"ROOT_ACCESS_KEY": s.AccessKeyID, "ROOT_SECRET_KEY": s.SecretAccessKey}),
		testcontainers.WithEntrypoint("sh", "-c", "mkdir -p /tmp/objects && exec versitygw --port :7070 posix /tmp/objects"),
		testcontainers.WithExposedPorts(port),
		testcontainers.WithWaitStrategy(wait.ForListeningPort(port)))
	if err != nil {
		return container, s, err
	}
	s.Endpoint, err = container.PortEndpoint(ctx, port, "http")
	return container, s, err
}

// InProcess starts a server in this process. It looks at no signature, forgets
// Cache-Control, and says of an object in parts that its checksum is that of a part.
func InProcess(tb testing.TB) Server {
	tb.Helper()
	s := httptest.NewServer(gofakes3.New(s3mem.New(), gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	tb.Cleanup(s.Close)
	return Server{s.URL, "pressmark-test", rand.Text(), true}
}

// Client returns a client of the server.
func (s Server) Client() *s3.Client {
	validate := aws.ResponseChecksumValidationWhenSupported // what config.LoadDefaultConfig sets
	if s.inexact {
		validate = aws.ResponseChecksumValidationWhenRequired
	}
	return s3.New(s3.Options{
		BaseEndpoint:               &s.Endpoint,
		UsePathStyle:               true,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: validate,
		Region:                     "us-east-1",
		Credentials:                credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
	})
}

// Bucket makes a bucket that is the test's own, and that is removed with what is
// in it when the test ends.
func (s Server) Bucket(tb testing.TB) string {
	tb.Helper()
	bucket := "test-" + strings.ToLower(rand.Text())
	client := s.Client()
	if _, err := client.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				tb.Error(err)
				return
			}
			var g errgroup.Group
			g.SetLimit(16)
			for _, o := range page.Contents {
				g.Go(func() error {
					_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key})
					return err
				})
			}
			if err := g.Wait(); err != nil {
				tb.Error(err)
			}
		}
		if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(bucket)}); err != nil {
			tb.Error(err)
		}
	})
	return bucket
}
