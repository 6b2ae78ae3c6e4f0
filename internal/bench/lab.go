package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// options are the flags.
type options struct {
	books    []int
	duration time.Duration
	conns    int
	only     *regexp.Regexp
	keep     string
	server   string
	json     bool
}

// lab holds what rows share: the program under test, libraries, servers, and
// the results of experiments that several rows show.
type lab struct {
	opts    options
	dir     string // of this run, removed at the end
	self    string // the program that runs
	program string // the program under test
	log     io.Writer

	libraries map[int]*library
	servers   map[int]*process
	words     map[int]*vocabulary
	starts    map[int]memo[*startup]
	refreshes map[int]memo[*refresh]
	searches  map[int]memo[*searches]
	inside    map[int]memo[*inProcess]
	states    map[string]map[int]memo[*states] // by database
	mixes     map[string]map[int]memo[*mixed]  // by settings
}

// memo is the result of an experiment that is made once.
type memo[T any] struct {
	value T
	err   error
}

// once returns what make returned the first time for these books.
func once[T any](memos map[int]memo[T], books int, make func() (T, error)) (T, error) {
	m, ok := memos[books]
	if !ok {
		m.value, m.err = make()
		memos[books] = m
	}
	return m.value, m.err
}

func newLab(ctx context.Context, o options, log io.Writer) (*lab, error) {
	l := &lab{
		opts: o, log: log, program: o.server,
		libraries: map[int]*library{}, servers: map[int]*process{}, words: map[int]*vocabulary{},
		starts: map[int]memo[*startup]{}, refreshes: map[int]memo[*refresh]{}, inside: map[int]memo[*inProcess]{}, searches: map[int]memo[*searches]{},
		mixes:  map[string]map[int]memo[*mixed]{},
		states: map[string]map[int]memo[*states]{"sqlite": {}, "postgres": {}},
	}
	var err error
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if l.dir, err = os.MkdirTemp("", "pressmark-bench-*"); err != nil {
		return nil, err
	}
	if l.program == "" {
		l.say("building cmd/pressmark")
		l.program, err = rig.BuildServer(ctx, l.dir)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// say tells whoever waits what goes on.
func (l *lab) say(format string, args ...any) { fmt.Fprintf(l.log, format+"\n", args...) }

func (l *lab) close() error {
	for _, srv := range l.servers {
		srv.stop()
	}
	return os.RemoveAll(l.dir)
}

// primary is the number of books behind the rows that need only one library:
// 100,000 where the flags allow it, else the most.
func (l *lab) primary() int {
	if slices.Contains(l.opts.books, 100_000) {
		return 100_000
	}
	return slices.Max(l.opts.books)
}

func (l *lab) library(ctx context.Context, books int) (*library, error) {
	if lib := l.libraries[books]; lib != nil {
		return lib, nil
	}
	dir := l.dir
	if l.opts.keep != "" {
		dir = l.opts.keep
	}
	l.say("library of %d books in %s", books, dir)
	lib, err := openLibrary(ctx, dir, books)
	if err != nil {
		return nil, err
	}
	l.libraries[books] = lib
	return lib, nil
}

// readyWait is how long a server may take to be ready.
const readyWait = 5 * time.Minute

// serve starts a server of the library in a folder. Its caller stops it.
func (l *lab) serve(folder string, env ...string) (*process, error) {
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(l.dir, "data-*")
	if err != nil {
		return nil, err
	}
	if err := createAdmin(l.program, data, env...); err != nil {
		return nil, err
	}
	return start(addr, append([]string{
		"CALIBRE_LIBRARY_PATH=" + folder, "LISTEN_ADDR=" + addr, "DATA_DIR=" + data,
		"RATE_LIMIT_USER=0", // one user sends all there is
		"PUBLIC_READ=true", "LOG_FORMAT=json", "LOG_LEVEL=info",
	}, env...), l.program, "serve")
}

// server returns the server of the rows about requests, which runs to the end.
func (l *lab) server(ctx context.Context, books int) (*process, *library, error) {
	lib, err := l.library(ctx, books)
	if err != nil || l.servers[books] != nil {
		return l.servers[books], lib, err
	}
	srv, err := l.serve(lib.dir)
	if err != nil {
		return nil, nil, err
	}
	if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		srv.stop()
		return nil, nil, err
	}
	if _, err := srv.Prepared(ctx, readyWait); err != nil {
		srv.stop()
		return nil, nil, err
	}
	l.servers[books] = srv
	return srv, lib, nil
}

// rest stops the servers that wait for requests: what is measured next wants
// the machine for itself.
func (l *lab) rest() {
	for books, srv := range l.servers {
		srv.stop()
		delete(l.servers, books)
	}
}

// copyDatabase makes a library folder with a copy of a metadata.db that may be
// edited.
func (l *lab) copyDatabase(lib *library) (string, error) {
	dir, err := os.MkdirTemp(l.dir, "edited-*")
	if err != nil {
		return "", err
	}
	in, err := os.Open(lib.database())
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "metadata.db"))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return dir, errors.Join(err, out.Close())
}
