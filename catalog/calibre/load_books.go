package calibre

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// reader assembles books out of all tables, which it reads side by side.
type reader struct {
	sc     *schema
	tables []valueTable
	terms  []*terms // as tables
	state  *state   // what was read, for the next refresh; nil when only some books are
	seed   maphash.Seed
	warn   *warnings

	books       *cursor
	last        int64
	any         bool
	links       []*stream // as tables
	comments    *stream
	identifiers *stream
	data        *stream
	pages       *stream
	customs     []*stream // (book, value), of the columns without a value table
	row         []byte    // scratch
}

// bookColumns are the columns of books in the order in which they are read. A
// refresh compares the first of them, up to colTitle: Calibre moves
// last_modified with every other, and each costs time at every refresh.
func bookColumns() []string {
	return []string{
		"id", "last_modified", "uuid", "path", "has_cover", "title",
		"sort", "author_sort", "timestamp", "pubdate", "series_index",
	}
}

const (
	colModified = iota + 1
	colUUID
	colPath
	colHasCover
	colTitle
	colSort
	colAuthorSort
	colAdded
	colPublished
	colSeriesIndex
)

// open begins to read all books, or those of only. After an error, too, finish
// must be called.
func (r *reader) open(ctx context.Context, s *source, only *selection) error {
	sc := r.sc
	columns := bookColumns()
	for i, c := range columns {
		switch {
		case !sc.has("books", c):
			columns[i] = "NULL"
		case i == colModified || i == colAdded || i == colPublished:
			columns[i] = c + "||''" // or the driver would make a time of it
		}
	}
	query, args := "SELECT "+strings.Join(columns, ", ")+" FROM books", []driver.NamedValue(nil)
	if only != nil {
		query, args = query+only.where("id"), only.args
	}
	var err error
	for i := range r.tables {
		ts, sums, err := r.sc.readTerms(ctx, s, &r.tables[i], only, r.seed)
		if err != nil {
			return err
		}
		r.terms = append(r.terms, ts)
		if r.state != nil {
			r.state.terms = append(r.state.terms, sums)
			r.state.links = append(r.state.links, hashes{})
		}
	}
	if r.books, err = s.query(ctx, "books", query+" ORDER BY id", args...); err != nil {
		return err
	}
	open := func(table, columns string) *stream {
		st := &stream{}
		if err == nil {
			if st, err = s.stream(ctx, sc, table, columns, only); err != nil {
				st = &stream{}
			}
		}
		return st
	}
	for i := range r.tables {
		t := &r.tables[i]
		extra := ""
		if i >= builtinValueTables && sc.customs[i-builtinValueTables].field.Type == catalog.TypeSeries {
			extra = ", " + sc.list(t.link, "extra")
		}
		r.links = append(r.links, open(t.link, t.item+extra))
	}
	r.comments = open("comments", sc.list("comments", "text"))
	r.identifiers = open("identifiers", sc.list("identifiers", "type", "val"))
	r.data = open("data", sc.list("data", "uncompressed_size", "format", "name"))
	r.pages = open("books_pages_link", sc.list("books_pages_link", "pages"))
	for i := range sc.customs {
		c, table, column := &sc.customs[i], "", "value"
		if c.field.Stored && !c.normalized {
			table = c.table
		}
		if c.field.Type == catalog.TypeDatetime {
			column += "||''"
		}
		r.customs = append(r.customs, open(table, column))
	}
	return err
}

// next reads the next book into b, whose slices are used again.
func (r *reader) next(b *catalog.Book) bool {
	if !r.books.next() {
		return false
	}
	id, ok := r.books.v[0].(int64)
	if !ok || r.any && id <= r.last {
		r.books.err = fmt.Errorf("read books: %w: ids out of order", ErrDamaged)
		return false
	}
	r.last, r.any = id, true
	r.read(id, b)
	return true
}

func (r *reader) read(id int64, b *catalog.Book) {
	v := r.books.v
	if r.state != nil {
		r.row = appendRow(r.row[:0], v[:colTitle+1])
		r.state.books.add(id, maphash.Bytes(r.seed, r.row))
	}
	b.ID = catalog.BookID(id)
	b.Title, _ = text(v[colTitle])
	b.TitleSort, _ = text(v[colSort])
	b.AuthorSort, _ = text(v[colAuthorSort])
	b.Path, _ = text(v[colPath])
	b.UUID, _ = text(v[colUUID])
	b.Cover = ""
	if cover, _ := integer(v[colHasCover]); cover != 0 {
		b.Cover = key(b.Path, "cover.jpg")
	}
	b.Added, b.Published, b.Modified = r.time(v[colAdded]), r.time(v[colPublished]), r.time(v[colModified])
	var ok bool
	if b.SeriesIdx, ok = number(v[colSeriesIndex]); !ok {
		b.SeriesIdx = 1
	}
	b.Authors = r.items(id, inAuthors, b.Authors[:0])
	b.Series, _ = r.item(id, inSeries)
	b.Tags = r.items(id, inTags, b.Tags[:0])
	b.Publisher, _ = r.item(id, inPublishers)
	b.Languages = r.items(id, inLanguages, b.Languages[:0])
	b.Rating = r.stars(id, inRatings)
	b.Comments = ""
	for ; r.comments.at(id); r.comments.step() {
		b.Comments, _ = text(r.comments.v[1])
	}
	r.readIdentifiers(id, b)
	r.readFormats(id, b)
	r.readPages(id, b)
	r.readCustoms(id, b)
}

func (r *reader) time(v driver.Value) (t time.Time) {
	s, ok := text(v)
	if !ok {
		return t
	}
	t, ok = parseTime(s)
	if !ok {
		r.warn.add("damaged date")
	}
	return t
}

// items appends a book's values of a value table, each once.
func (r *reader) items(id int64, table int, dst []catalog.Item) []catalog.Item {
	st, ts := r.links[table], r.terms[table]
	for ; st.at(id); st.step() {
		i, ok := ts.find(st.v[1])
		if ok && !slices.ContainsFunc(dst, func(o catalog.Item) bool { return o.ID == ts.items[i].ID }) {
			dst = append(dst, ts.items[i])
		}
	}
	if ts.ranks != nil {
		slices.SortFunc(dst, func(a, b catalog.Item) int {
			i, _ := ts.find(a.ID)
			j, _ := ts.find(b.ID)
			return int(ts.ranks[i] - ts.ranks[j])
		})
	}
	return dst
}

// item returns a book's one value of a value table, nil if it has none, and
// what else the link holds. Of several links the last counts, as in Calibre.
func (r *reader) item(id int64, table int) (item *catalog.Item, extra driver.Value) {
	st, ts := r.links[table], r.terms[table]
	for ; st.at(id); st.step() {
		if r.state != nil && r.tables[table].series {
			r.state.links[table].add(id, linkSum(r.seed, st.v[1]))
		}
		if i, ok := ts.find(st.v[1]); ok {
			item, extra = &ts.items[i], st.v[len(st.v)-1]
		}
	}
	return item, extra
}

func (r *reader) stars(id int64, table int) (stars float64) {
	st, ts := r.links[table], r.terms[table]
	for ; st.at(id); st.step() {
		if i, ok := ts.find(st.v[1]); ok {
			stars = ts.stars[i]
		}
	}
	return stars
}

// finish ends the reading and returns what went wrong on the way, if anything.
func (r *reader) finish() error {
	if r.books == nil {
		return nil
	}
	err := r.books.err
	r.books.close()
	for _, list := range [][]*stream{r.links, {r.comments, r.identifiers, r.data, r.pages}, r.customs} {
		for _, st := range list {
			if e := st.finish(); err == nil {
				err = e
			}
		}
	}
	return err
}
