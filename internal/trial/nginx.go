package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// nginxConf is nginx with the parts that docs/deploy has for everybody, and a log of
// what the replicas took for each request.
const nginxConf = `%[1]sdaemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid %[2]s/nginx.pid;
error_log %[2]s/error.log warn;
events { worker_connections 8192; }
http {
	log_format trial escape=json '{"path":"$uri","method":"$request_method","status":$status,"upstream":"$upstream_response_time","upstream_status":"$upstream_status","whole":$request_time}';
	access_log %[2]s/access.log trial;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	upstream pressmark {
		zone pressmark 256k;
		server %[4]s max_fails=1 fail_timeout=2s;
		server %[5]s max_fails=1 fail_timeout=2s;
		include %[6]s/pressmark-upstream.conf;
	}
	include %[6]s/pressmark-http.conf;
	server {
		listen %[3]s backlog=4096;
		include %[6]s/pressmark-server.conf;
	}
}
`

// nginxParts is the folder of what everybody includes.
func nginxParts(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/pressmark/pressmark").Output()
	if err != nil {
		return "", fmt.Errorf("go list: where is docs/deploy/nginx? %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "docs", "deploy", "nginx"), nil
}

// startNginx puts nginx in front of the replicas.
func startNginx(ctx context.Context, dir, addr string, replicas []*replica) (*rig.Process, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	parts, err := nginxParts(ctx)
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 { // or its workers could not write to a private folder
		user = "user root;\n"
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxConf, user, dir, addr, replicas[0].addr, replicas[1].addr, parts)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := rig.Start(addr, nil, program, "-p", dir, "-c", conf)
	if err != nil {
		return nil, err
	}
	if err := p.Listening(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// answered is one line of nginx's log.
type answered struct {
	Path     string  `json:"path"`
	Method   string  `json:"method"`
	Status   int     `json:"status"`
	Upstream string  `json:"upstream"` // seconds of each replica that was asked
	Statuses string  `json:"upstream_status"`
	Whole    float64 `json:"whole"`
}

// took is how long the replicas took, in sum, with the transfer to nginx. It is
// false if none was asked.
func (a answered) took() (time.Duration, bool) {
	var sum time.Duration
	asked := false
	for _, part := range strings.FieldsFunc(a.Upstream, func(r rune) bool { return strings.ContainsRune(",: ", r) }) {
		if s, err := strconv.ParseFloat(part, 64); err == nil {
			sum += time.Duration(s * float64(time.Second))
			asked = true
		}
	}
	return sum, asked
}

// tried is how many replicas were asked.
func (a answered) tried() int {
	return len(strings.FieldsFunc(a.Statuses, func(r rune) bool { return strings.ContainsRune(",: ", r) }))
}

// download reports whether a request was for a book, which takes as long as its
// size wants.
func (a answered) download() bool { return strings.HasPrefix(a.Path, "/api/files/download/") }

// readLog reads nginx's log from a place in it.
func readLog(r io.Reader) ([]answered, error) {
	var lines []answered
	for s := bufio.NewScanner(r); s.Scan(); {
		var a answered
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			return lines, fmt.Errorf("nginx's log: %w: %s", err, s.Bytes())
		}
		lines = append(lines, a)
	}
	return lines, nil
}
