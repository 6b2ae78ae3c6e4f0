package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/pressmark/pressmark/internal/rig"
)

// nginxConf serves one folder with sendfile, as nginx's own manual sets it up.
const nginxConf = `%sdaemon off;
worker_processes %d;
pid %[3]s/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000;
	default_type application/epub+zip;
	client_body_temp_path %[3]s/body;
	proxy_temp_path %[3]s/proxy;
	fastcgi_temp_path %[3]s/fastcgi;
	uwsgi_temp_path %[3]s/uwsgi;
	scgi_temp_path %[3]s/scgi;
	server {
		listen %[4]s;
		root %[3]s/files;
	}
}
`

// startNginx serves a file as /book.epub.
func (l *lab) startNginx(ctx context.Context, file string) (*process, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.dir, "nginx")
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return nil, err
	}
	link := filepath.Join(dir, "files", "book.epub")
	os.Remove(link)
	if err := os.Symlink(file, link); err != nil {
		return nil, err
	}
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 { // or its workers could not read a private folder
		user = "user root;\n"
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxConf, user, runtime.NumCPU(), dir, addr)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := start(addr, nil, program, "-p", dir, "-c", conf)
	if err != nil {
		return nil, err
	}
	if err := p.Listening(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// download compares the download of a large file with nginx's.
func (l *lab) download(ctx context.Context, books int) (outcome, error) {
	if _, err := exec.LookPath("nginx"); err != nil {
		return outcome{absent: "nginx is not in PATH to compare with"}, nil
	}
	srv, lib, err := l.server(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	abs, err := filepath.Abs(lib.bigPath)
	if err != nil {
		return outcome{}, err
	}
	nginx, err := l.startNginx(ctx, abs)
	if err != nil {
		return outcome{}, err
	}
	defer nginx.stop()
	sides := [2]side{}
	for i, s := range [...]struct {
		*process
		path string
	}{{srv, fmt.Sprintf("/api/files/download/%d/epub", lib.big)}, {nginx, "/book.epub"}} {
		load, err := newLoad(s.Addr, 200, same(get(nil, s.path))(0, l.opts.conns))
		if err != nil {
			return outcome{}, err
		}
		defer load.close()
		if _, err := load.run(ctx, l.opts.duration/10); err != nil {
			return outcome{}, err
		}
		sides[i] = side{load, s.PID()}
	}
	a, b, err := inTurn(ctx, sides[0], sides[1], l.opts.duration)
	if err != nil {
		return outcome{}, err
	}
	us, it := sumUp(a), sumUp(b)
	return outcome{
		value: medianRatio(a, b, sample.bytesPerSecond), ours: &us, other: &it,
		note: fmt.Sprintf("throughput against nginx with sendfile: %.0f and %.0f MB/s; processor time %.2f and %.2f ns a byte",
			us.Bytes/1e6, it.Bytes/1e6, us.CPUPerByte, it.CPUPerByte),
	}, nil
}
