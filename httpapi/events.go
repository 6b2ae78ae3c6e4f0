package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
)

const (
	// heartbeat keeps proxies and clients from taking silence for an end.
	heartbeat = 15 * time.Second
	// maxEventIDs is how many ids one event names before it says only "more".
	maxEventIDs = 100
)

// streams counts the event streams that are open, and ends them.
type streams struct {
	slots  slots
	mu     sync.Mutex
	closed bool
	done   chan struct{}
}

func newStreams(most int) *streams {
	if most == 0 {
		most = 1000
	}
	return &streams{slots: newSlots("event streams", max(0, most), 8, 30), done: make(chan struct{})}
}

func (s *streams) enter(o owner) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return unavailable("The server is shutting down.", 2, nil)
	}
	return s.slots.enter(o)
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
}

// source is what a stream tells of: a library, or what a view of it shows.
type source struct {
	lib    *library
	reader catalog.Reader
	view   catalog.View // without a Ref for the whole library
}

// moved reports whether the name of the source's view stands for other text now
// than when the stream began.
func (s *source) moved(ctx context.Context) bool {
	if s.view.Ref == "" {
		return false
	}
	_, now, err := findView(ctx, catalog.Snapshot(s.lib.Catalog), s.view.Ref)
	return err != nil || now.Text != s.view.Text
}

// change is a catalog.Change with the source that it is of.
type change struct {
	*source
	catalog.Change
}

// serveEvents streams the changes of one library, or of all.
func (a *API) serveEvents(w http.ResponseWriter, r *http.Request) error {
	sources, err := a.eventSources(r)
	if err != nil {
		return err
	}
	if r.Method != http.MethodHead {
		by := a.ownerOf(r)
		if err := a.events.enter(by); err != nil {
			return err
		}
		defer a.events.slots.leave(by)
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"} // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	// Subscribed before the revision is looked at, so that nothing that
	// happens between is lost.
	changes := subscribe(ctx, &wg, sources)
	out := eventWriter{w: w, rc: http.NewResponseController(w)}
	defer out.rc.SetWriteDeadline(time.Time{}) // the connection may have other answers to carry
	// Something has to go out at once: some proxies hold back the header
	// until there is a body.
	out.text(": stream of catalog changes\nretry: 3000\n\n")
	for _, s := range sources {
		out.missed(ctx, s, r.Header.Get("Last-Event-ID"))
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for out.err == nil {
		select {
		case <-r.Context().Done():
			return nil
		case <-a.events.done:
			return nil
		case c := <-changes:
			if c.moved(ctx) || a.gone(ctx) {
				return nil // the client comes back, and sees what it may see now
			}
			out.event(&c)
		case <-tick.C:
			if a.gone(ctx) {
				return nil
			}
			out.text(":\n\n")
		}
	}
	return nil // the client is gone
}

// eventSources reads the query: all libraries, or the one that it names, or a
// view of one.
func (a *API) eventSources(r *http.Request) ([]*source, error) {
	params, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	p, own, err := takePlace(params)
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		return nil, unknown(own[0])
	}
	if p == (place{}) {
		all := []*source{}
		for _, l := range a.libs {
			if ruleFor(r.Context(), l).Kind != auth.None {
				all = append(all, &source{lib: l, reader: permittedNow(r.Context(), l)})
			}
		}
		return all, nil
	}
	lib, err := a.library(p.library)
	if err != nil {
		return nil, err
	}
	s := &source{lib: lib, reader: permittedNow(r.Context(), lib)}
	if p.view == "" {
		return []*source{s}, nil
	}
	v, err := a.view(r.Context(), lib, p.view)
	if err != nil {
		return nil, err
	}
	if _, s.view, err = findView(r.Context(), v.reader, p.view); err != nil {
		return nil, err
	}
	// By its text, not by what that means now: a stream outlives the day.
	s.reader = catalog.Restrict(s.reader, catalog.Search(s.view.Text))
	return []*source{s}, nil
}

// permittedNow returns what the user of a request may see of a library, as it is
// whenever it is asked.
func permittedNow(ctx context.Context, lib *library) catalog.Reader {
	switch rule := ruleFor(ctx, lib); rule.Kind {
	case auth.All:
		return lib.Catalog
	case auth.Matching:
		return catalog.Restrict(lib.Catalog, catalog.Search(rule.Expression))
	}
	return catalog.Restrict(lib.Catalog, catalog.Or{})
}

// gone tells whether the user of a stream is not who they were when it began:
// they have logged out, or see other things now. It cannot be told while
// accounts cannot be looked up.
func (a *API) gone(ctx context.Context) bool {
	i, ok := identityOf(ctx)
	if !ok {
		return false
	}
	current, err := a.opts.Logins.Current(ctx, i)
	return err == nil && !current
}

// subscribe brings the changes of several sources together. What a slow client
// does not take is merged where it comes from.
func subscribe(ctx context.Context, wg *sync.WaitGroup, sources []*source) <-chan change {
	all := make(chan change)
	for _, s := range sources {
		live, ok := catalog.As[catalog.Live](s.reader)
		if !ok {
			continue
		}
		changes := live.Subscribe(ctx)
		wg.Go(func() {
			for c := range changes {
				select {
				case all <- change{s, c}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return all
}

// eventWriter writes server-sent events and keeps the first error.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf []byte
	err error
}

// missed tells a client that comes back with the id of the last event that it
// saw whether something happened since.
func (o *eventWriter) missed(ctx context.Context, s *source, last string) {
	if last == "" {
		return
	}
	if rev, err := s.reader.Revision(ctx); err == nil && rev.Digest != last {
		o.event(&change{s, catalog.Change{Revision: rev, More: true}})
	}
}

// event writes one catalog event.
func (o *eventWriter) event(c *change) {
	b := append(o.buf[:0], "event: catalog\nid: "...)
	b = append(b, c.Revision.Digest...)
	b = append(b, "\ndata: "...)
	b = appendEvent(b, c)
	o.buf = append(b, "\n\n"...)
	o.write(o.buf)
}

func appendEvent(b []byte, c *change) []byte {
	b = append(b, `{"library":`...)
	b = appendString(b, c.lib.Name)
	b = append(b, `,"revision":`...)
	b = appendString(b, c.Revision.Digest)
	left, more := maxEventIDs, c.More
	for _, list := range [...]struct {
		name string
		ids  []catalog.BookID
	}{{`,"added":[`, c.Added}, {`,"changed":[`, c.Change.Changed}, {`,"removed":[`, c.Removed}} {
		if len(list.ids) > left {
			list.ids, more = list.ids[:left], true
		}
		left -= len(list.ids)
		b = append(b, list.name...)
		for i, id := range list.ids {
			b = comma(b, i)
			b = strconv.AppendInt(b, int64(id), 10)
		}
		b = append(b, ']')
	}
	b = append(b, `,"more":`...)
	b = appendBool(b, more)
	return append(b, '}')
}

func (o *eventWriter) text(s string) { o.write([]byte(s)) }

func (o *eventWriter) write(b []byte) {
	if o.err != nil {
		return
	}
	// A stream outlives the server's write time-out; a client that takes
	// nothing for two heartbeats does not. Not every writer has deadlines.
	_ = o.rc.SetWriteDeadline(time.Now().Add(2 * heartbeat))
	if _, o.err = o.w.Write(b); o.err == nil {
		o.err = o.rc.Flush()
	}
}
