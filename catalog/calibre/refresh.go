package calibre

import (
	"context"
	"database/sql/driver"
	"errors"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// errReload says that what changed is better loaded whole.
var errReload = errors.New("needs a full load")

// A refresh loads only what changed while that is at most one book in
// reloadShare; below reloadFloor books a full load is never worth it.
const (
	reloadShare = 10
	reloadFloor = 500
)

// refresh brings an index up to date with a copy, by what differs from st. It
// returns errReload where that cannot be told or is too much.
//
// Calibre does not tell what it changed: last_modified moves for most edits of
// a book, also backwards, but not for all, and not when another tool edits. So
// the rows of books, of their formats and page counts, and of all shared values
// are compared in digests; books are loaded where anything differs. Of the links
// only those to series are compared: Calibre removes some of them without a
// mark, and moves last_modified when it changes another.
func (l *loader) refresh(ctx context.Context, c copied, ix *index.Index, st *state) (
	next *index.Index, nextState *state, change catalog.Change, warn warnings, err error,
) {
	var d index.Delta
	err = withSource(ctx, c.dsn+pragmas, c.size, func(s *source) error {
		r, err := l.open(ctx, s, &warn)
		if err != nil {
			return err
		}
		if !r.state.sameFields(st) {
			return errReload
		}
		nextState = r.state
		if err := l.compare(ctx, c, s, r); err != nil {
			return err
		}
		ids, err := r.differing(ctx, s, st)
		if err != nil {
			return err
		}
		if limit := max(reloadFloor, len(nextState.books.ids)/reloadShare); len(ids) > limit {
			return errReload
		}
		d, err = r.delta(ctx, s, st, ids)
		return err
	})
	if err != nil {
		return nil, nil, change, warn, err
	}
	next, change, err = ix.Update(ctx, d)
	return next, nextState, change, warn, err
}

// compare reads the digests of a copy into r.state, on two connections, each of
// which takes the next table when it is done with one.
func (l *loader) compare(ctx context.Context, c copied, s *source, r *reader) error {
	tasks := r.digests()
	var taken atomic.Int64
	work := func(ctx context.Context, s *source) error {
		for {
			i := int(taken.Add(1)) - 1
			if i >= len(tasks) {
				return nil
			}
			if err := tasks[i](ctx, s); err != nil {
				return err
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return withSource(ctx, c.dsn+pragmas, c.size, func(s *source) error { return work(ctx, s) })
	})
	g.Go(func() error { return work(ctx, s) })
	return g.Wait()
}

// digests lists what is to be compared, the largest first.
func (r *reader) digests() []func(context.Context, *source) error {
	sc, st := r.sc, r.state
	var tasks []func(context.Context, *source) error
	st.terms, st.links = make([]hashes, len(r.tables)), make([]hashes, len(r.tables))
	rows := func(sums *hashes, table, order string, columns ...string) {
		for i, c := range columns {
			if !sc.has(table, c) {
				columns[i] = "NULL"
			}
		}
		tasks = append(tasks, func(ctx context.Context, s *source) error {
			return r.digest(ctx, s, sums, table, columns, order)
		})
	}
	numbers := func(sums *hashes, table, column string, sum func(driver.Value) uint64) {
		tasks = append(tasks, func(ctx context.Context, s *source) error {
			return s.each(ctx, table, "SELECT book, "+sc.list(table, column)+" FROM "+table+" ORDER BY book, rowid", func(v []driver.Value) {
				if book, ok := v[0].(int64); ok {
					sums.add(book, sum(v[1]))
				}
			})
		})
	}
	rows(&st.books, "books", "id", bookColumns()[:colTitle+1]...)
	rows(&st.data, "data", "book, rowid", "book", "uncompressed_size", "format", "name")
	if sc.has("books_pages_link", "book") {
		numbers(&st.pages, "books_pages_link", "pages", pagesSum)
	}
	for i := range r.tables {
		t := &r.tables[i]
		if t.name == "" {
			continue
		}
		rows(&st.terms[i], t.table, "id", "id", t.name, "sort", "link")
		if t.series {
			numbers(&st.links[i], t.link, t.item, func(v driver.Value) uint64 { return linkSum(r.seed, v) })
		}
	}
	return tasks
}

// digest reads digests of the rows of a table, whose first column is an id.
// SQLite joins the columns to one text, which costs less than half of reading
// them one by one.
func (r *reader) digest(ctx context.Context, s *source, sums *hashes, table string, columns []string, order string) error {
	query := "SELECT " + joined(columns) + " FROM " + table + " ORDER BY " + order
	return s.each(ctx, table, query, func(v []driver.Value) {
		row, _ := v[0].(string)
		first, _, _ := strings.Cut(row, separator)
		if id, err := strconv.ParseInt(first, 10, 64); err == nil {
			sums.add(id, maphash.String(r.seed, row))
		}
	})
}

// differing returns the ids of the books in which r.state and st may differ,
// ascending.
func (r *reader) differing(ctx context.Context, s *source, st *state) ([]catalog.BookID, error) {
	var ids []catalog.BookID
	note := func(old, new *hashes) {
		for _, id := range old.diff(new) {
			ids = append(ids, catalog.BookID(id))
		}
	}
	note(&st.books, &r.state.books)
	note(&st.data, &r.state.data)
	note(&st.pages, &r.state.pages)
	for i := range r.tables {
		t := &r.tables[i]
		note(&st.links[i], &r.state.links[i])
		changed := st.terms[i].diff(&r.state.terms[i])
		if len(changed) == 0 {
			continue
		}
		have := selectIDs(changed)
		err := s.each(ctx, t.link, "SELECT book FROM "+t.link+have.where(t.item), func(v []driver.Value) {
			if id, ok := v[0].(int64); ok {
				ids = append(ids, catalog.BookID(id))
			}
		}, have.args...)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// delta loads those of the books that are there and lists those that were.
func (r *reader) delta(ctx context.Context, s *source, st *state, ids []catalog.BookID) (index.Delta, error) {
	d := index.Delta{Extra: r.state.extra}
	for _, id := range ids {
		if st.books.has(int64(id)) && !r.state.books.has(int64(id)) {
			d.Removed = append(d.Removed, id)
		}
	}
	if len(ids) == 0 {
		return d, nil
	}
	part := &reader{sc: r.sc, tables: r.tables, seed: r.seed, warn: r.warn}
	err := part.open(ctx, s, selectIDs(ids))
	for err == nil {
		var b catalog.Book
		if !part.next(&b) {
			break
		}
		d.Books = append(d.Books, b)
	}
	return d, errors.Join(err, part.finish())
}
