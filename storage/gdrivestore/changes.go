package gdrivestore

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"google.golang.org/api/drive/v3"
)

// changes is the log of what Drive says has changed.
type changes struct {
	store *Store

	mu      sync.Mutex
	drive   string    // the id of the shared drive; empty is none
	token   string    // where the next look begins; empty: there was none yet
	from    time.Time // since when the log knows of all
	polled  time.Time // when the last look began
	retry   time.Time // not before that again, after one that failed
	running *poll
	log     []change
	dropped int64           // how many were in the log before
	covered map[string]bool // tokens of others from which on the log knows of all
}

// change is that something has happened to a file, or in a folder.
type change struct {
	id string
	at time.Time // when it became known
}

// poll is a look at Drive's list that goes on.
type poll struct {
	done    chan struct{}
	err     error
	changed bool
}

const (
	known      = 7 * 24 * time.Hour // for so long what is in folders is kept, so the log is, too
	mostLog    = 200_000            // changes, at most
	pollPause  = 15 * time.Second   // after a failure
	missPause  = 5 * time.Second    // between looks for the sake of what is missing
	clockSkew  = time.Minute        // between processes, at most
	freshWait  = 3 * time.Second    // for a look, at most
	pollLimit  = 30 * time.Second
	mostTokens = 100 // of others, that are kept in mind
)

func (c *changes) init(s *Store) { c.store, c.covered = s, map[string]bool{} }

// rootFolder asks for the store's folder.
func (s *Store) rootFolder(ctx context.Context) (*drive.File, error) {
	f, err := call(ctx, s, func(ctx context.Context) (*drive.File, error) {
		return s.drive.Files.Get(s.root).SupportsAllDrives(true).Fields("id,name,mimeType,driveId,trashed").Context(ctx).Do()
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, unavailable(errNoFolder)
	case err != nil:
		return nil, unavailable(err)
	case f.MimeType != typeFolder:
		return nil, unavailable(errNotFolder)
	case f.Trashed:
		return nil, unavailable(errTrashed)
	}
	return f, nil
}

// call sends a request as the pacer allows.
func call[T any](ctx context.Context, s *Store, send func(context.Context) (T, error)) (answer T, err error) {
	err = s.pacer.do(ctx, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		answer, err = send(ctx)
		return err
	})
	return answer, err
}

// fresh sees to it that the log is not older than it may be. It looks a little
// early, so that somebody has to wait for that only after a rest. If Drive does not
// answer, what is known has to do.
func (c *changes) fresh(ctx context.Context) {
	interval := c.store.o.PollInterval
	c.mu.Lock()
	now := time.Now()
	age := now.Sub(c.polled)
	if c.token != "" && age < interval-interval/10 || now.Before(c.retry) {
		c.mu.Unlock()
		return
	}
	p := c.begin(ctx)
	wait := c.token != "" && age >= interval
	c.mu.Unlock()
	if wait {
		p.wait(ctx)
	}
}

// wait waits until a look has ended, but not long.
func (p *poll) wait(ctx context.Context) {
	t := time.NewTimer(freshWait)
	defer t.Stop()
	select {
	case <-p.done:
	case <-ctx.Done():
	case <-t.C:
	}
}

// look looks for changes at once, and reports whether there are any. What was
// looked for a moment ago is not looked for again.
func (c *changes) look(ctx context.Context) bool {
	c.mu.Lock()
	if now := time.Now(); c.running == nil && (now.Sub(c.polled) < missPause || now.Before(c.retry)) {
		c.mu.Unlock()
		return false
	}
	p := c.begin(ctx)
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.err == nil && p.changed
	case <-ctx.Done():
		return false
	}
}

// begin begins a look, if none goes on. c.mu is locked.
func (c *changes) begin(ctx context.Context) *poll {
	if c.running != nil {
		return c.running
	}
	p := &poll{done: make(chan struct{})}
	c.running = p
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollLimit)
	go func() {
		defer cancel()
		p.changed, p.err = c.poll(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running = nil
		if p.err != nil {
			c.retry = time.Now().Add(pollPause)
			c.store.o.Logger.Warn("Google Drive does not tell of changes; what is known is used", "err", p.err)
		}
		close(p.done)
	}()
	return p
}

// poll reads the list of changes, or finds out where it ends now.
func (c *changes) poll(ctx context.Context) (changed bool, err error) {
	s := c.store
	began := time.Now()
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token != "" {
		next, ids, err := c.read(ctx, token)
		if err != nil {
			return false, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.add(ids)
		c.token, c.polled = next, began
		return len(ids) > 0, nil
	}
	root, err := s.rootFolder(ctx)
	if err != nil {
		return false, err
	}
	start, err := call(ctx, s, func(ctx context.Context) (*drive.StartPageToken, error) {
		q := s.drive.Changes.GetStartPageToken().SupportsAllDrives(true).Context(ctx)
		if root.DriveId != "" {
			q = q.DriveId(root.DriveId)
		}
		return q.Do()
	})
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drive, c.token, c.polled, c.from = root.DriveId, start.StartPageToken, began, time.Now()
	return false, nil
}

// read reads the list of changes from a token on. ids are of files that have
// changed, and of the folders that they are in.
func (c *changes) read(ctx context.Context, token string) (next string, ids []string, err error) {
	s := c.store
	for {
		page, err := call(ctx, s, func(ctx context.Context) (*drive.ChangeList, error) {
			q := s.drive.Changes.List(token).PageSize(1000).IncludeRemoved(true).SupportsAllDrives(true).IncludeItemsFromAllDrives(true).
				Fields("nextPageToken,newStartPageToken,changes(fileId,file(parents))").Context(ctx)
			if d := c.driveID(); d != "" {
				q = q.DriveId(d)
			}
			return q.Do()
		})
		if err != nil {
			return "", nil, err
		}
		for _, ch := range page.Changes {
			if ch.FileId == "" { // of the shared drive itself
				continue
			}
			ids = append(ids, ch.FileId)
			if ch.File != nil {
				ids = append(ids, ch.File.Parents...)
			}
		}
		if page.NextPageToken == "" {
			return page.NewStartPageToken, ids, nil
		}
		token = page.NextPageToken
	}
}

func (c *changes) driveID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drive
}

// add adds to the log, and drops what is too old to matter. c.mu is locked.
func (c *changes) add(ids []string) {
	now := time.Now()
	for _, id := range ids {
		c.log = append(c.log, change{id, now})
	}
	old := 0
	for old < len(c.log) && now.Sub(c.log[old].at) > known+clockSkew {
		old++
	}
	if n := len(c.log) - mostLog; n > old {
		old = n
		c.from = c.log[n].at
	}
	c.log = c.log[old:]
	c.dropped += int64(old)
}

// hit notes that what is known of a file or folder is old.
func (c *changes) hit(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add([]string{id})
}

// mark tells whether there are more changes than before.
func (c *changes) mark() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped + int64(len(c.log))
}

// now returns what something gets that is asked for now: see seen.
func (c *changes) now() (at time.Time, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now(), c.token
}

// holds reports whether v is still true. unsure is set if the log does not go back
// to when v was asked for.
func (c *changes) holds(v *seen) (ok, unsure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	skew := clockSkew
	if v.By == c.store.self {
		skew = 0
	}
	looked := max(v.looked.Load()-c.dropped, 0)
	for _, ch := range c.log[min(looked, int64(len(c.log))):] {
		if !ch.at.Before(v.At.Add(-skew)) && v.has(ch.id) {
			return false, false
		}
	}
	v.looked.Store(c.dropped + int64(len(c.log)))
	switch {
	case !c.from.IsZero() && !v.At.Before(c.from.Add(skew)), c.covered[v.Token]:
		return true, false
	case time.Since(v.At) < c.store.o.PollInterval: // as if there had been no look since
		return true, false
	}
	return true, true
}

// reach makes the log go back to a token of another process. It reports whether it
// does, also if Drive does not answer: what is known has to do then.
func (c *changes) reach(ctx context.Context, token string) bool {
	c.mu.Lock()
	if first := c.running; c.token == "" && first != nil {
		c.mu.Unlock()
		first.wait(ctx)
		c.mu.Lock()
	}
	ready, many := c.token != "", len(c.covered) >= mostTokens
	c.mu.Unlock()
	switch {
	case !ready:
		return true // Drive does not answer
	case token == "" || many:
		return false
	}
	_, ids, err := c.read(ctx, token)
	if err != nil {
		return !outdated(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(ids)
	c.covered[token] = true
	return true
}
