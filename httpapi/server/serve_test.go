package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// largeBook replaces the EPUB of book 1 by a file that no socket buffers.
func largeBook(t *testing.T, root string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", "* (1)", "*.epub"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the EPUB of book 1: %q, %v", found, err)
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	if err := os.WriteFile(found[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	return body
}

// serving is a server that a test stops itself.
type serving struct {
	url   string
	stop  context.CancelFunc
	ended chan error
}

func begin(t *testing.T, c Config) serving {
	t.Helper()
	s := open(t, c)
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	v := serving{s.URL(ln), stop, make(chan error, 1)}
	go func() { v.ended <- s.Serve(ctx, ln) }()
	t.Cleanup(stop)
	return v
}

// get begins a request on a connection of its own.
func (v serving) get(t *testing.T, path string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(v.url + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, res.Status)
	}
	return res
}

// TestStopLetsDownloadsFinish stops a server in the middle of a download and
// of an event stream: the one must end whole, the other at once.
func TestStopLetsDownloadsFinish(t *testing.T) {
	c := sampleConfig(t)
	c.ShutdownTimeout = time.Minute
	want := largeBook(t, c.Libraries[0].Path)
	v := begin(t, c)
	download := v.get(t, "/api/files/download/1/epub")
	head := make([]byte, 1000)
	if _, err := io.ReadFull(download.Body, head); err != nil {
		t.Fatal(err)
	}
	events := bufio.NewReader(v.get(t, "/api/events").Body)
	if _, err := events.ReadString('\n'); err != nil {
		t.Fatal(err)
	}

	v.stop()
	if _, err := io.Copy(io.Discard, events); err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(v.url, "http://")); err == nil {
		conn.Close()
		t.Error("new connections are accepted while the server stops")
	}
	rest, err := io.ReadAll(download.Body)
	if err != nil || !bytes.Equal(append(head, rest...), want) {
		t.Errorf("the download ended after %d of %d bytes: %v", len(head)+len(rest), len(want), err)
	}
	if err := <-v.ended; err != nil {
		t.Error(err)
	}
}

// TestStopBreaksOff does not wait for a client that does not read.
func TestStopBreaksOff(t *testing.T) {
	c := sampleConfig(t)
	c.ShutdownTimeout = -1
	want := largeBook(t, c.Libraries[0].Path)
	v := begin(t, c)
	download := v.get(t, "/api/files/download/1/epub")
	v.stop()
	if err := <-v.ended; err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(download.Body); err == nil {
		t.Errorf("%d of %d bytes came without an error", len(rest), len(want))
	}
}

// TestServeReportsItsListener returns when the listener is broken.
func TestServeReportsItsListener(t *testing.T) {
	s := open(t, sampleConfig(t))
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := s.Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("got %v", err)
	}
}

func TestListenNamesTheAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := sampleConfig(t)
	c.ListenAddr = taken.Addr().String()
	if _, err := open(t, c).Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "LISTEN_ADDR "+c.ListenAddr) {
		t.Errorf("got %v", err)
	}
}

func TestTLS(t *testing.T) {
	c := sampleConfig(t)
	var roots *x509.CertPool
	c.TLSCertFile, c.TLSKeyFile, roots = certificate(t)
	v := begin(t, c)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
	res, err := client.Get(v.url + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("%s over %s", res.Status, res.Proto)
	}
	client.CloseIdleConnections()
	v.stop()
	if err := <-v.ended; err != nil {
		t.Error(err)
	}
}

// certificate makes a certificate for 127.0.0.1 that vouches for itself.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return certFile, keyFile, roots
}

// TestConnectionLog keeps from operators what they cannot act on.
func TestConnectionLog(t *testing.T) {
	var b strings.Builder
	l := log.New(connectionLog{slog.New(slog.NewTextHandler(&b, nil))}, "", 0)
	l.Print("http: TLS handshake error from 192.0.2.1:1: EOF")
	l.Print("http: superfluous response.WriteHeader call from x")
	if b.Len() > 0 {
		t.Errorf("logged: %s", b.String())
	}
	l.Print("http: Accept error: too many open files")
	if !strings.Contains(b.String(), "too many open files") {
		t.Errorf("logged: %q", b.String())
	}
}
