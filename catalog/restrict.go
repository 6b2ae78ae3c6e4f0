package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
)

// Restrict returns a reader of r that cannot see the books that e does not
// select: they are in no page, count or suggestion, and Book returns
// ErrNotFound for them as for books that are not there. What belongs to the
// library as a whole stays: its fields, the names and texts of its views, and
// which of two books with the same UUID owns it. A nil e returns r itself.
//
// Search leaves in e mean what r's Searcher says, each time that the reader is
// asked, so that the restriction follows a library that changes and days that
// pass. If r is Live the result is Live, too; what a Snapshot of it can see
// stays as it is when the snapshot is first asked. The reader has the roles
// that r has; methods of others return errors.ErrUnsupported.
//
// An e that does not evaluate, because it names a column that was deleted or
// its text cannot be understood, selects nothing; see RestrictionError. Errors
// of what is asked through the reader are errors as always.
//
// The revision covers what e means, so that answers of different views are
// told apart. Making the reader is cheap: one can be made for each request.
func Restrict(r Reader, e Expr) Reader {
	if e == nil {
		return r
	}
	v := restricted{r: r, language: r, e: e}
	if l, ok := As[Live](r); ok {
		return &restrictedLive{v, l}
	}
	return &v
}

// RestrictionError returns why a reader that Restrict made shows nothing: an
// error that wraps the InvalidError of its expression. It is nil if the
// expression evaluates or r is not restricted, and any other error if that
// cannot be found out now.
func RestrictionError(ctx context.Context, r Reader) error {
	v, ok := As[interface {
		problem(ctx context.Context) error
	}](r)
	if !ok {
		return nil
	}
	return v.problem(ctx)
}

// restricted is a reader made by Restrict. It has no Unwrap method: r could be
// reached around it.
type restricted struct {
	r        Reader
	language Reader // who knows what Search means, if r does not
	e        Expr
	once     *atomic.Pointer[view] // keeps the view of a snapshot, else nil
}

var (
	_ Reader   = (*restricted)(nil)
	_ Appender = (*restricted)(nil)
	_ Searcher = (*restricted)(nil)
	_ Browser  = (*restricted)(nil)
)

// view is what a restricted reader can see at one time.
type view struct {
	r     Reader // does not change if that can be had
	where Expr   // without Search; nil is everything
	bad   error  // why e could not be understood; where selects nothing then
}

// now returns what can be seen now.
func (v *restricted) now(ctx context.Context) (view, error) {
	if v.once != nil {
		if w := v.once.Load(); w != nil {
			return *w, nil
		}
	}
	w := view{r: Snapshot(v.r)}
	var err error
	if w.where, err = v.meaning(ctx, w.r); isInvalid(err) {
		w.where, w.bad, err = Or{}, err, nil
	}
	if err != nil {
		return view{}, err
	}
	if v.once != nil {
		v.once.CompareAndSwap(nil, &w)
		return *v.once.Load(), nil
	}
	return w, nil
}

// check returns why the restriction does not evaluate, nil if it does.
func (w *view) check(ctx context.Context) (bad, err error) {
	if w.bad != nil {
		return w.bad, nil
	}
	_, err = w.r.Books(ctx, Query{Where: w.where, Limit: 1})
	if isInvalid(err) {
		return err, nil
	}
	return nil, err
}

func isInvalid(err error) bool {
	var bad *InvalidError
	return errors.As(err, &bad)
}

// ask calls call with the expression that selects what can be seen. Which of
// the two is at fault, the restriction or what is asked, is found out only
// where something is invalid, so that it costs nothing as a rule.
func ask[T any](ctx context.Context, v *restricted, call func(r Reader, where Expr) (T, error)) (T, error) {
	w, err := v.now(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	out, err := call(w.r, w.where)
	if w.bad != nil || !isInvalid(err) {
		return out, err
	}
	bad, failed := w.check(ctx)
	switch {
	case failed != nil:
		return out, failed
	case bad != nil:
		return call(w.r, Or{})
	}
	return out, err
}

// within returns the expression that selects what both do.
func within(where, e Expr) Expr {
	if where == nil {
		return e
	}
	if e == nil {
		return where
	}
	if all, ok := e.(And); ok {
		// Side by side, not nested: readers keep what members select.
		return append(And{where}, all...)
	}
	return And{where, e}
}

func (v *restricted) problem(ctx context.Context) error {
	w, err := v.now(ctx)
	if err != nil {
		return err
	}
	bad, err := w.check(ctx)
	switch {
	case err != nil:
		return err
	case bad != nil:
		return fmt.Errorf("catalog restriction: %w", bad)
	}
	return RestrictionError(ctx, w.r)
}

// Book implements Reader. A hidden book and one that is not there go the same
// way.
func (v *restricted) Book(ctx context.Context, id BookID) (Book, error) {
	page, err := v.Books(ctx, Query{Where: IDs{id}, Limit: 1, Comments: true})
	if err != nil {
		return Book{}, err
	}
	if len(page.Items) == 0 {
		return Book{}, noBook(id)
	}
	return page.Items[0], nil
}

func noBook(id BookID) error { return fmt.Errorf("book %d: %w", id, ErrNotFound) }

// Books implements Reader.
func (v *restricted) Books(ctx context.Context, q Query) (Page[Book], error) {
	asked := q.Where
	return ask(ctx, v, func(r Reader, where Expr) (Page[Book], error) {
		q.Where = within(where, asked)
		return r.Books(ctx, q)
	})
}

// Terms implements Reader.
func (v *restricted) Terms(ctx context.Context, f FieldKey, q TermQuery) (Page[Term], error) {
	asked := q.Where
	return ask(ctx, v, func(r Reader, where Expr) (Page[Term], error) {
		q.Where = within(where, asked)
		return r.Terms(ctx, f, q)
	})
}

// Fields implements Reader. They are those of the whole library.
func (v *restricted) Fields(ctx context.Context) ([]Field, error) {
	return Snapshot(v.r).Fields(ctx)
}

// Revision implements Reader.
func (v *restricted) Revision(ctx context.Context) (Revision, error) {
	w, err := v.now(ctx)
	if err != nil {
		return Revision{}, err
	}
	return w.revision(ctx)
}

// revision is the same only if the contents are the same and the restriction
// means the same: whether it evaluates, too, then follows from the contents.
func (w *view) revision(ctx context.Context) (Revision, error) {
	rev, err := w.r.Revision(ctx)
	if err != nil {
		return Revision{}, err
	}
	sum := sha256.Sum256([]byte("restricted " + rev.Digest + " " + Key(w.where)))
	rev.Digest = hex.EncodeToString(sum[:16])
	return rev, nil
}
