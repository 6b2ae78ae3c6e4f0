package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
	"github.com/pressmark/pressmark/httpapi/server"
)

const aboutServe = `Usage: pressmark serve [settings]

Serves Calibre libraries over HTTP until it is told to stop (SIGINT, SIGTERM).
Each setting is a flag, or a variable in upper case with underscores:
--listen-addr=:8000 is LISTEN_ADDR=:8000. A flag beats a variable, and for each
variable NAME there is NAME_FILE, a file that holds the value.

DURATION is 2s, 1m30s or 30 (seconds); SIZE is 128MiB, 1GB or 1048576 (bytes).
Shown are the flag, its default, and what it means.
`

func (con console) serve(ctx context.Context, args []string) error {
	c, helped, err := parse(aboutServe, args, con.getenv, con.stdout)
	if err != nil || helped {
		return err
	}
	return con.listenAndServe(ctx, c, args, func(string) error { return nil })
}

const aboutDemo = `Usage: pressmark demo [settings]

Unpacks a sample library of 24 books to the data folder and serves it without
login. The settings are those of "pressmark serve", but for the libraries.
`

func (con console) demo(ctx context.Context, args []string) error {
	// Somebody's own library must not be made public by a demonstration.
	ownLibrary := func(name string) bool { return name == "CALIBRE_LIBRARY_PATH" || name == "CALIBRE_DATABASE_PATH" }
	c, helped, err := parse(aboutDemo, args, func(name string) string {
		if ownLibrary(name) {
			return ""
		}
		return con.getenv(name)
	}, con.stdout)
	if err != nil || helped {
		return err
	}
	if len(c.Libraries) > 0 {
		return usageError{"demo serves the sample library; for your own use: pressmark serve"}
	}
	if c.DataDir == "" {
		if c.DataDir, err = server.DefaultDataDir(); err != nil {
			return err
		}
	}
	root := filepath.Join(c.DataDir, "sample")
	if err := sample.Unpack(root); err != nil {
		return fmt.Errorf("unpack the sample library: %w", err)
	}
	c.Libraries, c.PublicRead = []server.Library{{Path: root}}, true
	return con.listenAndServe(ctx, c, args, func(url string) error {
		_, err := fmt.Fprintf(con.stdout, `The sample library is in %s.
Its 24 books are served without login to everybody who can reach %[2]s
  books    %[2]s/api/books
  a cover  %[2]s/api/files/cover/1
  the API  %[2]s/docs
Stop with Ctrl-C.
`, root, url)
		return err
	})
}

// redisLog takes what the Redis client writes about single connections. That Redis
// does not answer the cache says itself.
type redisLog struct{ log *slog.Logger }

// Printf logs one line.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "Redis connection trouble", "component", "cache", "err", fmt.Sprintf(format, v...))
}

// listenAndServe serves what c says until ctx ends. It calls ready with the
// server's address when connections are accepted. args are the settings' flags.
func (con console) listenAndServe(ctx context.Context, c server.Config, args []string, ready func(url string) error) (err error) {
	hup, stop := hangups()
	defer stop()
	c.Level = &slog.LevelVar{}
	c.Logger = c.NewLogger(con.stderr)
	redis.SetLogger(redisLog{c.Logger})
	if con.self != "" {
		c.HashCommand = []string{con.self, hashPasswords}
	}
	s, err := server.Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}()
	ln, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	if err := ready(s.URL(ln)); err != nil {
		ln.Close()
		return err
	}
	defer tellSystemd(ctx, c.Logger)()
	var reloads sync.WaitGroup
	defer reloads.Wait()
	reloading, end := context.WithCancel(ctx)
	defer end()
	reloads.Go(func() { reload(reloading, s, hup, c.Logger, args, con.getenv) })
	return s.Serve(ctx, ln)
}
