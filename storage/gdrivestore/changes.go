package gdrivestore

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
)

// changes is the log of what Drive says has changed.
type changes struct {
	store *Store
	reach singleflight.Group

	mu      sync.Mutex
	drive   string    // the id of the shared drive; empty is none
	token   string    // where the next look begins; empty: there was none yet
	from    time.Time // since when the log knows of all
	polled  time.Time // when the last look began
	retry   time.Time // not before that again, after one that failed
	failure error     // of that
	running *poll
	last    []change // what the last look has found
	log     []change
	dropped int64           // how many were in the log before
	covered map[string]bool // tokens of others from which on the log knows of all
}

// change is that something has happened to a file or folder, or within a folder.
type change struct {
	id     string
	within bool
	at     time.Time // when it became known
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
	pollLimit  = 2 * time.Minute
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
// looked for a moment ago is not looked for again. The error says that it is not
// known.
func (c *changes) look(ctx context.Context) (bool, error) {
	c.mu.Lock()
	now := time.Now()
	switch {
	case c.running == nil && now.Sub(c.polled) < missPause:
		c.mu.Unlock()
		return false, nil
	case c.running == nil && now.Before(c.retry):
		defer c.mu.Unlock()
		if now.Sub(c.polled) < c.store.o.PollInterval {
			return false, nil
		}
		return false, unavailable(c.failure)
	}
	p := c.begin(ctx)
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.changed, p.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// begin begins a look, if none goes on. c.mu is locked.
func (c *changes) begin(ctx context.Context) *poll {
	if c.running != nil {
		return c.running
	}
	p := &poll{done: make(chan struct{})}
	c.running = p
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), urgent{}, true), pollLimit)
	go func() {
		defer cancel()
		p.changed, p.err = c.poll(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running = nil
		if p.err != nil {
			p.err = unavailable(p.err)
			c.retry, c.failure = time.Now().Add(pollPause), p.err
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
		var found []change
		err := c.read(ctx, token, func(next string, page []change) { // what was read is kept, whatever comes then
			found = append(found, page...)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.add(page)
			c.token = next
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		if e, ok := errors.AsType[*googleapi.Error](err); ok && (e.Code == http.StatusBadRequest || e.Code == http.StatusGone) || errors.Is(err, fs.ErrNotExist) {
			c.token, c.covered = "", map[string]bool{} // Drive does not know it any more: from the start
		}
		if err != nil {
			return false, err
		}
		// Lists of folders may be behind that of changes for some seconds, so what
		// they said at once counts as old once more.
		c.add(c.last)
		c.last, c.polled = found, began
		return len(found) > 0, nil
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

// read reads the list of changes from a token on, page by page. The token that
// comes with a page is that of the next one.
func (c *changes) read(ctx context.Context, token string, each func(next string, page []change)) error {
	s := c.store
	for {
		list, err := call(ctx, s, func(ctx context.Context) (*drive.ChangeList, error) {
			q := s.drive.Changes.List(token).PageSize(pageSize).IncludeRemoved(true).SupportsAllDrives(true).IncludeItemsFromAllDrives(true).
				Fields("nextPageToken,newStartPageToken,changes(fileId,file(parents))").Context(ctx)
			if d := c.driveID(); d != "" {
				q = q.DriveId(d)
			}
			return q.Do()
		})
		if err != nil {
			return err
		}
		var page []change
		for _, ch := range list.Changes {
			if ch.FileId == "" { // of the shared drive itself
				continue
			}
			page = append(page, change{id: ch.FileId})
			if ch.File != nil {
				for _, parent := range ch.File.Parents {
					page = append(page, change{id: parent, within: true})
				}
			}
		}
		if list.NextPageToken == "" {
			each(list.NewStartPageToken, page)
			return nil
		}
		token = list.NextPageToken
		each(token, page)
	}
}

func (c *changes) driveID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drive
}

// add adds to the log, and drops what is too old to matter. c.mu is locked.
func (c *changes) add(found []change) {
	now := time.Now()
	for _, ch := range found {
		ch.at = now
		c.log = append(c.log, ch)
	}
	old := 0
	for old < len(c.log) && now.Sub(c.log[old].at) > known+clockSkew {
		old++
	}
	if n := len(c.log) - mostLog; n > old {
		old = n
		c.from = c.log[n].at
		c.covered = map[string]bool{}
	}
	c.log = c.log[old:]
	c.dropped += int64(old)
}

// hit notes that what is known of a file or folder is old.
func (c *changes) hit(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add([]change{{id: id}})
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
	now := time.Now()
	since, skew := v.since(c.store.self, now), clockSkew
	if v.By == c.store.self {
		skew = 0
	}
	looked := max(v.looked.Load()-c.dropped, 0)
	for _, ch := range c.log[min(looked, int64(len(c.log))):] {
		if !ch.at.Before(since.Add(-skew)) && v.has(ch) {
			return false, false
		}
	}
	v.looked.Store(c.dropped + int64(len(c.log)))
	young := now.Sub(since) < c.store.o.PollInterval
	switch {
	case young: // as if there had been no look since
		return true, false
	case v.Brief:
		return false, false
	case !c.from.IsZero() && !since.Before(c.from.Add(skew)), c.covered[v.Token]:
		return true, false
	}
	return true, true
}

// goBack makes the log go back to a token of another process. It reports whether it
// does, also if Drive does not answer: what is known has to do then.
func (c *changes) goBack(ctx context.Context, token string) bool {
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
	done := c.reach.DoChan(token, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), urgent{}, true), pollLimit)
		defer cancel()
		err := c.read(ctx, token, func(_ string, page []change) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.add(page)
		})
		if err == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.covered[token] = true
		}
		return nil, err
	})
	select {
	case r := <-done:
		if e, ok := errors.AsType[*googleapi.Error](r.Err); ok && e.Code == http.StatusBadRequest {
			return false
		}
		return r.Err == nil || !outdated(r.Err)
	case <-ctx.Done():
		return true
	}
}
