//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// rollingConf is nginx with the parts that docs/deploy has for everybody, and with
// two replicas.
const rollingConf = `daemon off;
%[1]s
pid %[2]s/nginx.pid;
error_log %[2]s/error.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	upstream pressmark {
		server %[4]s max_fails=1 fail_timeout=2s;
		server %[5]s max_fails=1 fail_timeout=2s;
		include %[3]s/pressmark-upstream.conf;
	}
	include %[3]s/pressmark-http.conf;
	server {
		listen %[6]s;
		include %[3]s/pressmark-server.conf;
	}
}
`

// TestRollingRestart restarts two replicas behind nginx one after the other, while
// readers read and write without a pause. Not one request fails, and what was
// written last is there.
func TestRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	rounds := 2
	if n, err := strconv.Atoi(os.Getenv("PRESSMARK_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	nginx := needNginx(t)
	binary := build(t)
	addrs := freeAddresses(t, 3)
	env := []string{
		"CALIBRE_LIBRARY_PATH=" + calibretest.Sample(t), "DATA_DIR=" + t.TempDir(), "TRUSTED_PROXIES=127.0.0.0/8",
		"BASE_URL=http://" + addrs[2] + "/shelf", "SHUTDOWN_TIMEOUT=20s", "SHUTDOWN_DELAY=3s",
	}
	token := newToken(t, env)
	var replicas [2]process
	start := func(i int) { replicas[i] = launch(t, binary, append(env, "LISTEN_ADDR="+addrs[i])) }
	start(0)
	start(1)
	runNginx(t, nginx, addrs)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var failed, done atomic.Int64
	var wg sync.WaitGroup
	readers := make([]*rollingReader, 6)
	for i := range readers {
		readers[i] = &rollingReader{url: "http://" + addrs[2] + "/shelf", token: token, book: i + 1}
		wg.Go(func() {
			for ctx.Err() == nil {
				done.Add(1)
				if err := readers[i].step(); err != nil && failed.Add(1) < 10 {
					t.Error(err)
				}
			}
		})
	}
	for range rounds {
		for i := range replicas {
			if err := replicas[i].cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := replicas[i].cmd.Wait(); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
			start(i)
		}
	}
	stop()
	wg.Wait()
	t.Logf("%d requests, %d failed, %d restarts", done.Load(), failed.Load(), 2*rounds)
	if done.Load() < 1000 {
		t.Errorf("only %d requests", done.Load())
	}
	for _, r := range readers {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
}

// rollingReader reads and writes through nginx, and remembers what it has written.
type rollingReader struct {
	url, token string
	book, last int // last is the locator that was acknowledged last
	n          int
}

// step sends one request.
func (r *rollingReader) step() error {
	r.n++
	switch r.n % 4 {
	case 0:
		return r.send(http.MethodGet, "/api/books?limit=20", "", nil)
	case 1:
		return r.send(http.MethodPost, "/api/books/search", `{"q": "sea"}`, nil)
	case 2:
		return r.send(http.MethodPost, "/api/books/"+strconv.Itoa(r.book)+"/tickets/epub", "", nil)
	}
	body := fmt.Sprintf(`{"progression": 0.5, "locator": "%d", "locator_type": "page"}`, r.n)
	err := r.send(http.MethodPut, "/api/me/books/"+strconv.Itoa(r.book)+"/progress", body, nil)
	if err == nil {
		r.last = r.n
	}
	return err
}

// check compares the place that the server has with the one that it acknowledged.
func (r *rollingReader) check() error {
	var got struct{ Progress struct{ Locator string } }
	if err := r.send(http.MethodGet, "/api/me/books/"+strconv.Itoa(r.book), "", &got); err != nil {
		return err
	}
	if r.last == 0 || got.Progress.Locator != strconv.Itoa(r.last) {
		return fmt.Errorf("book %d: the place is %q, and %d was acknowledged", r.book, got.Progress.Locator, r.last)
	}
	return nil
}

// send sends a request from an address that it has not used yet, as nginx gives
// each one a budget.
func (r *rollingReader) send(method, path, body string, into any) error {
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	from := &net.TCPAddr{IP: net.IPv4(127, byte(1+rand.IntN(250)), byte(rand.IntN(256)), byte(1+rand.IntN(250)))}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: from}).DialContext}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.200s", method, path, res.Status, answer)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(answer, into)
	}
	return err
}

// newToken makes a user and returns an access token of theirs.
func newToken(t *testing.T, env []string) string {
	t.Helper()
	vars := environment{"PRESSMARK_PASSWORD": "correct horse battery staple"}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	var out, errs bytes.Buffer
	con := console{vars.get, nil, &out, &errs, ""}
	if code := con.run(t.Context(), []string{"user", "create", "--email", "a@example.org", "--username", "a"}); code != 0 {
		t.Fatal(errs.String())
	}
	out.Reset()
	if code := con.run(t.Context(), []string{"user", "token", "a"}); code != 0 {
		t.Fatal(errs.String())
	}
	return strings.TrimSpace(out.String())
}

// needNginx returns the program, without which the test is skipped, or fails if
// PRESSMARK_REQUIRE_NGINX is 1.
func needNginx(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil && os.Getenv("PRESSMARK_REQUIRE_NGINX") == "1" {
		t.Fatalf("this test needs nginx, and PRESSMARK_REQUIRE_NGINX=1: %v", err)
	}
	if err != nil {
		t.Skip("this test needs nginx in PATH")
	}
	return program
}

// runNginx runs nginx at the last address in front of the others until the test
// ends, and returns when it answers.
func runNginx(t *testing.T, program string, addrs []string) {
	t.Helper()
	dir := t.TempDir()
	parts, err := filepath.Abs("../../docs/deploy/nginx")
	if err != nil {
		t.Fatal(err)
	}
	user := ""
	if os.Geteuid() == 0 { // or its workers could not write below dir
		user = "user root;"
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, rollingConf, user, dir, parts, addrs[0], addrs[1], addrs[2]), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-e", "stderr", "-p", dir, "-c", conf)
	errs := &bytes.Buffer{}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx: %v: %s", err, errs)
		}
		if log, err := os.ReadFile(filepath.Join(dir, "error.log")); err == nil && t.Failed() {
			t.Logf("nginx: %.3000s", log)
		}
	})
	for { // until it listens, or the test's time is over
		conn, err := net.Dial("tcp", addrs[2])
		if err == nil {
			conn.Close()
			return
		}
		if cmd.Process.Signal(syscall.Signal(0)) != nil || t.Context().Err() != nil {
			t.Fatalf("nginx does not listen: %v: %s", err, errs)
		}
	}
}

// freeAddresses returns addresses of this machine on which nobody listens.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		s := httptest.NewServer(nil)
		defer s.Close()
		addrs = append(addrs, s.Listener.Addr().String())
	}
	return addrs
}
