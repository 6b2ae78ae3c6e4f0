package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// site is a whole installation on this machine: nginx, two replicas, PostgreSQL,
// Redis, S3, Google Drive, and a library.
type site struct {
	opts    options
	log     io.Writer
	dir     string // of this run, removed at the end
	program string

	library  *library
	postgres *container
	redis    *container
	objects  *container
	drive    *drive
	replicas []*replica
	nginx    *rig.Process
	secret   string
	users    []*reader
	root     *reader // the admin
	small    string  // tmpfs of the second replica's data; "" if there is none
}

// The account that sets everything up.
const (
	adminName     = "trial"
	adminPassword = "a password of the trial"
)

// replica is one server of the site, which may be started again.
type replica struct {
	name, addr, metrics, data string
	log                       string // what all of its processes print
	env                       []string
	program                   []string // and its first arguments

	mu  sync.Mutex
	now *rig.Process
}

func (r *replica) process() *rig.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// start starts it and waits until it is ready.
func (r *replica) start(ctx context.Context) error {
	log, err := os.OpenFile(r.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p, err := rig.StartLogged(r.addr, log, r.env, r.program[0], r.program[1:]...)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.now = p
	r.mu.Unlock()
	_, err = p.Ready(ctx, "/api/health/ready", time.Minute)
	return err
}

// say tells whoever waits what goes on.
func (s *site) say(format string, args ...any) {
	fmt.Fprintf(s.log, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// openSite sets everything up; the caller closes it, also after an error.
func openSite(ctx context.Context, o options, log io.Writer) (s *site, err error) {
	s = &site{opts: o, log: log, program: o.server, secret: rand.Text() + rand.Text()}
	if s.dir, err = os.MkdirTemp("", "pressmark-trial-*"); err != nil {
		return s, err
	}
	if s.program == "" {
		s.say("building cmd/pressmark")
		if s.program, err = rig.BuildServer(ctx, s.dir); err != nil {
			return s, err
		}
	}
	s.say("generating a library of %d books", o.books)
	if s.library, err = newLibrary(ctx, filepath.Join(s.dir, "library"), o.books); err != nil {
		return s, err
	}
	s.say("starting PostgreSQL, Redis and S3")
	for _, step := range []func(context.Context) error{s.startStores, s.fillStores, s.startReplicas, s.createReaders} {
		if err := step(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

// startStores starts what the replicas need.
func (s *site) startStores(ctx context.Context) (err error) {
	addrs, err := freeAddrs(3)
	if err != nil {
		return err
	}
	if s.postgres, err = startPostgres(ctx, addrs[0]); err != nil {
		return err
	}
	if s.redis, err = startRedis(ctx, addrs[1]); err != nil {
		return err
	}
	if s.objects, err = startObjects(ctx, addrs[2]); err != nil {
		return err
	}
	for _, c := range []*container{s.redis, s.objects, s.postgres} {
		if err := until(ctx, time.Minute, listening(c.addr)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	s.drive, err = newDrive()
	return err
}

// env are the settings that all replicas have.
func (s *site) env() []string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(stateUser, statePassword), Host: s.postgres.addr, Path: stateUser, RawQuery: "min_size=10&max_size=20"}
	return slices.Concat([]string{
		"CALIBRE_LIBRARY_PATH=" + s.library.dir, "DATABASE_URL=" + u.String(), "REDIS_URL=redis://" + s.redis.addr,
		"SECRET_KEY=" + s.secret, "TRUSTED_PROXIES=127.0.0.1", "LOG_FORMAT=json", "LOG_LEVEL=info",
		"ARGON2_MEMORY=8MiB", "ARGON2_TIME=1",
		"BOOKS_STORE=local,PDF=s3,AZW3=gdrive", "DOWNLOAD_REDIRECT=false", "USE_S3_COVERS=true",
	}, s.objectsEnv(), s.drive.env(s.dir))
}

// startReplicas starts both at once, as a roll-out does: one of them makes the
// tables.
func (s *site) startReplicas(ctx context.Context) error {
	addrs, err := freeAddrs(5)
	if err != nil {
		return err
	}
	for i := range 2 {
		name := fmt.Sprintf("replica %d", i+1)
		data := filepath.Join(s.dir, fmt.Sprintf("data-%d", i+1))
		if err := os.MkdirAll(data, 0o700); err != nil {
			return err
		}
		if i == 1 && s.opts.faults != nil {
			s.small = mountSmall(ctx, data, s.log)
		}
		s.replicas = append(s.replicas, &replica{
			name: name, addr: addrs[2*i], metrics: addrs[2*i+1], data: data, log: data + ".log", program: []string{s.program, "serve"},
			env: append(s.env(), "LISTEN_ADDR="+addrs[2*i], "METRICS_ADDR="+addrs[2*i+1], "DATA_DIR="+data),
		})
	}
	if err := until(ctx, time.Minute, s.createAdmin); err != nil {
		return err
	}
	s.say("starting the replicas")
	errs := make([]error, len(s.replicas))
	var wg sync.WaitGroup
	for i, r := range s.replicas {
		wg.Go(func() { errs[i] = r.start(ctx) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.nginx, err = startNginx(ctx, filepath.Join(s.dir, "nginx"), addrs[4], s.replicas)
	return err
}

// createAdmin makes the account with the program's own command.
func (s *site) createAdmin(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.program, "user", "create", "--admin", "--email="+adminName+"@example.com", "--username="+adminName)
	cmd.Env = append(append(rig.Inherited(), s.env()...), "PRESSMARK_PASSWORD="+adminPassword, "DATA_DIR="+filepath.Join(s.dir, "admin"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pressmark user create: %w: %s", err, out)
	}
	return nil
}

// command runs another command of the program with the replicas' settings.
func (s *site) command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Env = append(append(rig.Inherited(), s.env()...), "DATA_DIR="+filepath.Join(s.dir, "admin"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pressmark %v: %w: %s", args, err, out)
	}
	return nil
}

// close ends all of it.
func (s *site) close() error {
	for _, r := range s.replicas {
		if p := r.process(); p != nil {
			p.Stop()
		}
	}
	if s.nginx != nil {
		s.nginx.Stop()
	}
	errs := []error{s.postgres.remove(), s.redis.remove(), s.objects.remove()}
	if s.drive != nil {
		errs = append(errs, s.drive.stop())
	}
	if s.small != "" {
		errs = append(errs, unmount(s.small))
	}
	if s.opts.keep {
		s.say("what this run has left is in %s", s.dir)
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// freeAddrs returns addresses that nobody listens on, all different.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for len(addrs) < n {
		a, err := rig.FreeAddr()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs, nil
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr) // ours: it has one
	return port
}

// listening asks whether somebody listens.
func listening(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
}
