package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// view is what one catalogue request looks at: a library, or the part of it that
// a view of the library shows, with the contents that it had when the request
// came. All that an operation tells of books it must have from reader.
type view struct {
	lib  *library
	name string // of the library's view; empty is the whole library
	// restricted is set where a user may not see the whole library.
	restricted bool
	reader     catalog.Reader
	whole      catalog.Revision // of the library
	rev        catalog.Revision // of what reader shows
	schema     *schema
	// meaning is what the answer depends on beside rev and the parameters: what
	// text in them stands for today.
	meaning string
	// until is when what was asked for begins to mean something else, because a
	// day ends. Zero is never.
	until time.Time
}

// endsBy notes that an answer is right until t at most; zero is no end.
func (v *view) endsBy(t time.Time) {
	if !t.IsZero() && (v.until.IsZero() || t.Before(v.until)) {
		v.until = t
	}
}

// place is where a request looks, in its own words.
type place struct{ library, view string }

// takePlace takes the parameters that name a place out of params.
func takePlace(params []param) (p place, own []param, err error) {
	own = params[:0]
	for _, given := range params {
		name, what := &p.library, "one library has to be named, not"
		switch given.name {
		case "library":
		case "view":
			name, what = &p.view, "one view has to be named, not"
		default:
			own = append(own, given)
			continue
		}
		if given.value == "" || *name != "" && *name != given.value {
			return p, nil, invalid("query."+given.name, given.value, what)
		}
		*name = given.value
	}
	return p, own, nil
}

// look takes the parameters library and view out of params and returns a view
// of what they name as it is now.
func (a *API) look(ctx context.Context, params []param) (*view, []param, error) {
	p, own, err := takePlace(params)
	if err != nil {
		return nil, nil, err
	}
	lib, err := a.library(p.library)
	if err != nil {
		return nil, nil, err
	}
	v, err := a.view(ctx, lib, p.view)
	return v, own, err
}

// view returns a view of what the request's user may see of a library, or of the
// part of that which the library's view of that name shows, as it is now.
func (a *API) view(ctx context.Context, lib *library, name string) (*view, error) {
	v := &view{lib: lib, name: name, reader: catalog.Snapshot(lib.Catalog)}
	var err error
	if v.whole, err = v.reader.Revision(ctx); err != nil {
		return nil, err
	}
	v.rev = v.whole
	if v.schema, err = lib.schemaOf(ctx, v.reader, v.whole); err != nil {
		return nil, err
	}
	if err := a.permit(ctx, v); err != nil {
		return nil, err
	}
	if name == "" {
		return v, nil
	}
	return v, a.narrow(ctx, v)
}

// narrow restricts v to what the view of its name shows.
func (a *API) narrow(ctx context.Context, v *view) error {
	s, named, err := findView(ctx, v.reader, v.name)
	if err != nil {
		return err
	}
	parsed, bad := s.Parse(ctx, named.Text)
	if bad != nil {
		if !isInvalid(bad) {
			return bad
		}
		parsed.Expr = catalog.Or{} // what cannot be understood shows nothing
	}
	v.endsBy(parsed.Until)
	v.reader = catalog.Restrict(v.reader, parsed.Expr)
	if v.lib.views.unseen(v.whole, named.Ref) {
		if bad == nil {
			bad = catalog.RestrictionError(ctx, v.reader)
		}
		if isInvalid(bad) {
			a.log.LogAttrs(ctx, slog.LevelWarn, "View shows nothing", slog.String("component", "views"),
				slog.String("library", v.lib.Name), slog.String("view", named.Ref), slog.Any("err", bad))
		}
	}
	v.rev, err = v.reader.Revision(ctx)
	return err
}

// findView returns the view of that name, and who understands its text.
func findView(ctx context.Context, r catalog.Reader, name string) (catalog.Searcher, catalog.View, error) {
	s, ok := catalog.As[catalog.Searcher](r)
	if !ok {
		return nil, catalog.View{}, noView(name)
	}
	named, err := s.View(ctx, name)
	if errors.Is(err, catalog.ErrNotFound) {
		err = noView(name)
	}
	return s, named, err
}

func noView(name string) error {
	return notFound("query.view", name, "the library has no view of this name")
}

func isInvalid(err error) bool {
	var bad *catalog.InvalidError
	return errors.As(err, &bad)
}

// seenViews are the views of one revision that were looked through, so that one
// that shows nothing is logged once, not with every request.
type seenViews struct {
	mu       sync.Mutex
	revision catalog.Revision
	refs     map[string]bool
}

// unseen notes that a view was seen, and says whether that is new.
func (s *seenViews) unseen(rev catalog.Revision, ref string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refs == nil || s.revision != rev {
		s.revision, s.refs = rev, map[string]bool{}
	}
	if s.refs[ref] {
		return false
	}
	s.refs[ref] = true
	return true
}
