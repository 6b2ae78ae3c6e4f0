package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector of traces.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	got     []*spans.ResourceSpans
	headers http.Header
}

func newReceiver(t *testing.T) *receiver {
	rc := &receiver{}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &req)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		rc.mu.Lock()
		defer rc.mu.Unlock()
		rc.headers = r.Header
		rc.got = append(rc.got, req.ResourceSpans...)
	}))
	t.Cleanup(rc.Close)
	return rc
}

// all returns what was received: spans by name, and all of it as text.
func (rc *receiver) all() (byName map[string][]*spans.Span, text string) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	byName = map[string][]*spans.Span{}
	for _, rs := range rc.got {
		text += rs.String()
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				byName[s.Name] = append(byName[s.Name], s)
			}
		}
	}
	return byName, text
}

func TestTraces(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "books-of-ada")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-collector=yes")
	rc := newReceiver(t)
	var logged bytes.Buffer
	c := sampleConfig(t)
	c.OTLPEndpoint, c.BaseURL, c.LogLevel, c.LogFormat = rc.URL, "http://books.example/library", slog.LevelDebug, "json"
	c.Logger = c.NewLogger(&logged)
	s := open(t, c)
	do := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for range 3 { // routed, and then ready
		do("/library/api/books/1?access_token=hushhush", "Authorization", "Bearer hushhush", "Traceparent", parent)
		do("/library/api/books?limit=5")
		s.caches.local.Wait()
	}
	do("/library/api/c/hushhush/download")
	do("/library/api/health")
	s.instruments.close()
	byName, text := rc.all()
	for _, want := range []string{"GET /api/books/{id}", "GET /api/books", "GET /api/c/{ticket}/download"} {
		if len(byName[want]) == 0 {
			t.Errorf("no span is called %q", want)
		}
	}
	if n := len(byName["GET /api/books"]); n != 3 {
		t.Errorf("%d spans of three requests", n)
	}
	for _, bad := range []string{"hushhush", "access_token", "health"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s is in the traces: %s", bad, text)
		}
	}
	if !strings.Contains(text, "books-of-ada") || rc.headers.Get("X-Collector") != "yes" {
		t.Error("OpenTelemetry's own variables are not heeded")
	}
	for _, span := range byName["GET /api/books/{id}"] {
		if len(span.ParentSpanId) > 0 {
			t.Error("a stranger says which trace a request belongs to")
		}
	}
	id := trace.TraceID(byName["GET /api/books"][0].TraceId).String()
	if !strings.Contains(logged.String(), `"trace_id":"`+id+`"`) {
		t.Errorf("no line has the trace %s: %s", id, &logged)
	}
}

// TestTracesNowhere: an endpoint that takes connections and says nothing delays
// neither requests nor the end.
func TestTracesNowhere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := sampleConfig(t)
	c.OTLPEndpoint = "http://" + ln.Addr().String()
	s := open(t, c)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/books", nil))
	if w.Code != http.StatusOK {
		t.Error(w.Code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*lastSpans)
	defer cancel()
	closed := make(chan struct{})
	go func() { s.instruments.close(); close(closed) }()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the end waits for an endpoint that says nothing")
	}
}

// TestTracesOff: nothing is wrapped that nobody traces.
func TestTracesOff(t *testing.T) {
	s := open(t, sampleConfig(t))
	if s.Handler() != http.Handler(s.api) || s.s3Client() != nil || s.driveTransport() != nil {
		t.Error("something is wrapped although nothing is traced")
	}
}

// counting is a connection that counts what came by way of ReadFrom, where net
// calls sendfile.
type countingConn struct {
	*net.TCPConn
	files *sync.Map
}

func (c countingConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(r)
	c.files.Store("sent", n)
	return n, err
}

type countingListener struct {
	net.Listener
	files *sync.Map
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c.(*net.TCPConn), l.files}, nil
}

// TestTracedAnswers: with traces files still go out by sendfile, and event streams
// are flushed and end.
func TestTracedAnswers(t *testing.T) {
	rc := newReceiver(t)
	c := sampleConfig(t)
	c.OTLPEndpoint = rc.URL
	s := open(t, c)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var files sync.Map
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, countingListener{ln, &files}) }()
	url := "http://" + ln.Addr().String()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	code, body, err := fetch(t.Context(), client, url+"/api/files/download/1/epub")
	if err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	if sent, _ := files.Load("sent"); sent == nil || sent.(int64) == 0 || len(body) == 0 {
		t.Errorf("%v of %d bytes went by ReadFrom of the connection", sent, len(body))
	}
	res, err := client.Get(url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	if line := make([]byte, 8); true {
		if _, err := io.ReadFull(res.Body, line); err != nil || string(line) != ": stream" {
			t.Errorf("the stream begins with %q, %v", line, err)
		}
	}
	stop()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	res.Body.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Serve does not end")
	}
}
