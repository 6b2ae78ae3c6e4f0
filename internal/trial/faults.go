package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// faults are all that a site has to bear, in the order in which it does.
func (s *site) faults() []fault {
	return slices.Concat(s.processFaults(), s.redisFaults(), s.databaseFaults(), s.objectFaults(), s.driveFaults(), s.libraryFaults(), s.machineFaults(), s.clientFaults())
}

// status reports whether a failure is one of those of some classes, by status.
func (e event) among(kinds []string, classes ...class) bool {
	return slices.Contains(classes, e.class) && slices.Contains(kinds, e.kind)
}

func (s *site) processFaults() []fault {
	victim := s.replicas[0]
	return []fault{{
		name:  "replica killed (-9)",
		begin: func(context.Context) error { return killReplica(victim.process()) },
		end:   victim.start,
		// A download that had begun is cut off; nothing can go on with it but the
		// client. What nginx may not send twice fails.
		may: func(e event) bool {
			return e.kind == kindCut && e.class.download() || e.among([]string{"502"}, tokens)
		},
	}}
}

// outages are the three ways in which a container fails.
func outages(what string, c *container, f fault) []fault {
	stopped, frozen, restarted := f, f, f
	stopped.name, stopped.begin, stopped.end = what+" stopped", c.stop, func(ctx context.Context) error {
		if err := c.start(ctx); err != nil {
			return err
		}
		return until(ctx, time.Minute, listening(c.addr))
	}
	frozen.name, frozen.begin, frozen.end = what+" frozen", c.freeze, c.thaw
	restarted.name, restarted.begin, restarted.end, restarted.during = what+" restarted", func(ctx context.Context) error {
		if err := c.restart(ctx); err != nil {
			return err
		}
		return until(ctx, time.Minute, listening(c.addr))
	}, nil, nil
	return []fault{stopped, frozen, restarted}
}

func (s *site) redisFaults() []fault {
	return outages("Redis", s.redis, fault{during: func(ctx context.Context) error { return s.ready(ctx, false) }})
}

func (s *site) databaseFaults() []fault {
	return outages("PostgreSQL", s.postgres, fault{
		during: func(ctx context.Context) error { return s.ready(ctx, false) },
		may: func(e event) bool {
			return e.later && e.among([]string{"503"}, writes, states, tokens)
		},
	})
}

// gone are answers about a place that does not answer.
func gone(c class) func(event) bool {
	return func(e event) bool { return e.among([]string{"502", "503", kindCut}, c) }
}

func (s *site) objectFaults() []fault { return outages("S3", s.objects, fault{may: gone(s3Downloads)}) }

func (s *site) driveFaults() []fault {
	may := gone(driveDownloads)
	return []fault{
		{name: "Drive stopped", may: may, begin: func(context.Context) error { return s.drive.stop() }, end: func(context.Context) error { return s.drive.start() }},
		{
			name: "Drive frozen", may: may, begin: func(context.Context) error { s.drive.freeze(); return nil },
			end: func(context.Context) error { s.drive.thaw(); return nil },
		},
		{name: "Drive restarted", may: may, begin: func(ctx context.Context) error {
			if err := s.drive.stop(); err != nil {
				return err
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
			return s.drive.start()
		}},
	}
}

// machineFaults are those of disks and clocks.
func (s *site) machineFaults() []fault {
	full := fault{name: "disk full (data of replica 2)"}
	if s.small == "" {
		full.absent = "no file system of its own"
	} else {
		ballast := filepath.Join(s.small, "ballast")
		var change libraryChange
		full.begin = func(context.Context) error {
			if err := fill(ballast); err != nil {
				return err
			}
			return change.make(s.library) // which cannot be copied now
		}
		full.during = func(ctx context.Context) error { return s.ready(ctx, false) }
		full.end = func(context.Context) error { return os.Remove(ballast) }
		full.after = func(ctx context.Context) error { return s.shows(ctx, &change) }
	}
	clock := filepath.Join(s.dir, "clock")
	step := func(d time.Duration) func(context.Context) error {
		return func(context.Context) error { return os.WriteFile(clock, []byte(d.String()), 0o600) }
	}
	// Tokens end when a clock has gone on by an hour, and those made then are of the
	// future when it goes back: everybody renews them, once each time.
	may := func(e event) bool { return e.kind == "401" }
	return []fault{full, {
		name: "clocks of both replicas an hour ahead, and back", may: may,
		prepare: func(ctx context.Context) error { return s.setClocks(ctx, clock) },
		begin:   step(time.Hour), end: step(0),
	}}
}

// setClocks starts the replicas again with clocks that can be set.
func (s *site) setClocks(ctx context.Context, clock string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(clock, []byte("0s"), 0o600); err != nil {
		return err
	}
	for _, r := range s.replicas {
		if r.program[0] == self {
			continue
		}
		// nginx leaves the one before alone for a moment, as it did not answer.
		if err := pause(ctx, calm); err != nil {
			return err
		}
		r.program, r.env = []string{self, replicaName}, append(r.env, clockVariable+"="+clock)
		r.process().Stop()
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fill writes until a disk is full.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	for err = nil; err == nil; {
		_, err = f.Write(block[:4096])
	}
	f.Close()
	return nil
}

// clientFaults are clients that mean no good.
func (s *site) clientFaults() []fault {
	var slow *loris
	var flooded *flooding
	var slowNote, floodNote string
	return []fault{
		{
			name: "1,000 clients that send a byte a second, to a replica itself",
			begin: func(ctx context.Context) (err error) {
				slow, err = startLoris(ctx, s.replicas[0].addr)
				return err
			},
			end:  func(context.Context) error { slowNote = slow.stop(); return nil },
			note: func() string { return slowNote },
		},
		{
			name: "new connections as fast as one core makes them, to a replica itself",
			begin: func(context.Context) (err error) {
				flooded, err = startFlood(s.replicas[0].addr)
				return err
			},
			end: func(context.Context) (err error) {
				floodNote, err = flooded.stop()
				return err
			},
			note: func() string { return floodNote },
		},
	}
}

// libraryChange is a book with a new title, that readers have to see in the end.
type libraryChange struct {
	book  title
	title string
}

// make changes metadata.db as Calibre does.
func (c *libraryChange) make(l *library) error { return c.makeAt(l, l.database()) }

// makeAt changes the metadata.db at a path.
func (c *libraryChange) makeAt(l *library, path string) (err error) {
	c.book = l.books[len(l.books)/2]
	c.title, err = l.retitle(path, c.book.id)
	return err
}

// shows reports whether all replicas show the change.
func (s *site) shows(ctx context.Context, c *libraryChange) error {
	for _, r := range s.replicas {
		token := s.root.fresh(ctx)
		rep := s.root.at(r.addr).send(ctx, http.MethodGet, fmt.Sprintf("/api/books/%d", c.book.id), token, nil, "Accept-Encoding", "identity")
		if rep.err != nil || rep.status != http.StatusOK {
			return errors.Join(fmt.Errorf("%s: book %d: answered %d", r.name, c.book.id, rep.status), rep.err)
		}
		var b struct{ Title string }
		if err := json.Unmarshal(rep.body, &b); err != nil {
			return err
		}
		if b.Title != c.title {
			return fmt.Errorf("%s shows %q as the title of book %d, not %q", r.name, b.Title, c.book.id, c.title)
		}
	}
	return nil
}
