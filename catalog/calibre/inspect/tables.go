package inspect

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// tables reads books out of a copy, some at a time.
type tables struct {
	copy    *Copy
	columns []column
	// shuffled are the custom columns whose values are shown in an order that is
	// not in the database.
	shuffled map[catalog.FieldKey]bool
	sorts    map[string]string // by table: the expressions of sort and link
	books    string            // the columns of books, or NULL
	pages    bool
}

// column is a custom column.
type column struct {
	catalog.Custom
	name       string
	table      string
	normalized bool
}

// chunkSize is how many books are read at a time.
const chunkSize = 500

func (t *tables) open(ctx context.Context) error {
	c := t.copy
	var books []string
	for _, name := range []string{"title", "sort", "uuid", "author_sort", "path", "has_cover", "timestamp", "pubdate", "last_modified", "series_index"} {
		if c.has(ctx, "books", name) {
			books = append(books, name+"||''")
		} else {
			books = append(books, "NULL")
		}
	}
	t.books = strings.Join(books, ", ")
	t.pages = c.has(ctx, "books_pages_link", "pages")
	t.sorts, t.shuffled = map[string]string{}, map[catalog.FieldKey]bool{}
	if err := t.readColumns(ctx); err != nil {
		return err
	}
	list := []string{"authors", "series", "tags", "publishers", "languages"}
	for _, col := range t.columns {
		if col.normalized {
			list = append(list, col.table)
		}
	}
	for _, table := range list {
		for _, name := range []string{"sort", "link"} {
			expr := "NULL"
			if c.has(ctx, table, name) {
				expr = "v." + name
			}
			t.sorts[table] += ", " + expr
		}
	}
	return nil
}

// readColumns reads the custom columns whose values are in the database.
func (t *tables) readColumns(ctx context.Context) error {
	if !t.copy.has(ctx, "custom_columns", "label") {
		return nil
	}
	rows, err := t.copy.db.QueryContext(ctx, `SELECT id, label, ifnull(name, ''), datatype, ifnull(display, ''), ifnull(is_multiple, 0), normalized
		FROM custom_columns WHERE NOT ifnull(mark_for_delete, 0) AND datatype <> 'composite' ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read custom_columns: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id             int64
			label, display string
			col            column
		)
		if err := rows.Scan(&id, &label, &col.name, &col.Type, &display, &col.Multiple, &col.normalized); err != nil {
			return fmt.Errorf("read custom_columns: %w", err)
		}
		col.Key, col.table = catalog.FieldKey("#"+label), "custom_column_"+strconv.FormatInt(id, 10)
		col.Multiple = col.Multiple && col.Type == catalog.TypeText
		var d struct {
			SortAlpha bool `json:"sort_alpha"`
		}
		if json.Unmarshal([]byte(display), &d) == nil && d.SortAlpha {
			t.shuffled[col.Key] = true
		}
		t.columns = append(t.columns, col)
	}
	return rows.Err()
}

func (t *tables) compareFields(fields []catalog.Field, tell func(Difference)) {
	for _, col := range t.columns {
		at := slices.IndexFunc(fields, func(f catalog.Field) bool { return f.Key == col.Key })
		want, got := fmt.Sprintf("%s %q %s", col.Key, col.name, col.Type), absent
		if at >= 0 {
			got = fmt.Sprintf("%s %q %s", fields[at].Key, fields[at].Name, fields[at].Type)
		}
		if want != got {
			tell(Difference{Field: "fields", Calibre: want, Served: got})
		}
	}
	for _, f := range fields {
		if f.Custom && f.Stored && !slices.ContainsFunc(t.columns, func(c column) bool { return c.Key == f.Key }) {
			tell(Difference{Field: "fields", Calibre: absent, Served: string(f.Key)})
		}
	}
}

// chunk returns the next books behind an id.
func (t *tables) chunk(ctx context.Context, after int64) ([]catalog.Book, error) {
	r := reading{t: t, ctx: ctx, at: map[int64]int{}}
	r.rows("books", "SELECT id, "+t.books+" FROM books WHERE id > ? ORDER BY id LIMIT ?", func(v []sql.NullString) {
		b := catalog.Book{
			Title: text(v[1]), TitleSort: text(v[2]), UUID: text(v[3]), AuthorSort: text(v[4]), Path: text(v[5]),
			Added: readTime(v[7]), Published: readTime(v[8]), Modified: readTime(v[9]), SeriesIdx: 1,
		}
		id, _ := strconv.ParseInt(v[0].String, 10, 64)
		b.ID = catalog.BookID(id)
		if cover, _ := strconv.ParseFloat(v[6].String, 64); cover != 0 {
			b.Cover = below(b.Path, "cover.jpg")
		}
		if f, err := strconv.ParseFloat(v[10].String, 64); err == nil {
			b.SeriesIdx = f
		}
		for i := range t.columns {
			b.Custom = append(b.Custom, t.columns[i].Custom)
		}
		r.at[id] = len(r.books)
		r.books = append(r.books, b)
	}, after, chunkSize)
	if r.err != nil || len(r.books) == 0 {
		return nil, r.err
	}
	r.from, r.to = int64(r.books[0].ID), int64(r.books[len(r.books)-1].ID)
	r.builtin()
	for i := range t.columns {
		r.custom(i)
	}
	return r.books, r.err
}

// reading is the reading of a chunk. After an error it does nothing more.
type reading struct {
	t        *tables
	ctx      context.Context // of one call of chunk
	books    []catalog.Book
	at       map[int64]int
	from, to int64
	err      error
}

func (r *reading) rows(what, query string, each func(v []sql.NullString), args ...any) {
	if r.err != nil {
		return
	}
	rows, err := r.t.copy.db.QueryContext(r.ctx, query, args...)
	if err != nil {
		r.err = fmt.Errorf("read %s: %w", what, err)
		return
	}
	defer rows.Close()
	names, err := rows.Columns()
	v := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range v {
		into[i] = &v[i]
	}
	for err == nil && rows.Next() {
		if err = rows.Scan(into...); err == nil {
			each(v)
		}
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		r.err = fmt.Errorf("read %s: %w", what, err)
	}
}

// of reads the rows of the chunk's books; the first column is the book's id.
func (r *reading) of(what, query string, each func(b *catalog.Book, v []sql.NullString)) {
	r.rows(what, query, func(v []sql.NullString) {
		id, _ := strconv.ParseInt(v[0].String, 10, 64)
		if at, ok := r.at[id]; ok {
			each(&r.books[at], v)
		}
	}, r.from, r.to)
}

const between = " BETWEEN ? AND ?"

// values reads what books have of a table of values, in the order of the links.
func (r *reading) values(table, value, link, item, extra string, each func(b *catalog.Book, i catalog.Item, extra sql.NullString)) {
	query := "SELECT l.book, v.id, v." + value + "||'', " + extra + r.t.sorts[table] + " FROM " + link + " l JOIN " + table + " v ON v.id = l." + item +
		" WHERE l.book" + between + " AND v." + value + " IS NOT NULL ORDER BY l.book, l.id"
	r.of(table, query, func(b *catalog.Book, v []sql.NullString) {
		i := catalog.Item{Name: text(v[2]), Sort: text(v[4]), Link: text(v[5])}
		i.ID, _ = strconv.ParseInt(v[1].String, 10, 64)
		switch {
		case table == "authors":
			i.Name = strings.ReplaceAll(i.Name, "|", ",")
			i.Sort = cmp.Or(i.Sort, unknown)
		case i.Sort == "":
			i.Sort = i.Name
		}
		each(b, i, v[3])
	})
}

// stars reads what books have of a table of ratings.
func (r *reading) stars(table, value, link, item string, each func(b *catalog.Book, stars float64)) {
	query := "SELECT l.book, v." + value + "||'' FROM " + link + " l JOIN " + table + " v ON v.id = l." + item + " WHERE l.book" + between + " ORDER BY l.book, l.id"
	r.of(table, query, func(b *catalog.Book, v []sql.NullString) {
		if f, err := strconv.ParseFloat(v[1].String, 64); err == nil && f > 0 {
			each(b, f/2)
		}
	})
}

func once(list []catalog.Item, i catalog.Item) []catalog.Item {
	if slices.ContainsFunc(list, func(o catalog.Item) bool { return o.ID == i.ID }) {
		return list
	}
	return append(list, i)
}

func (r *reading) builtin() {
	const none = "NULL"
	r.values("authors", "name", "books_authors_link", "author", none, func(b *catalog.Book, i catalog.Item, _ sql.NullString) { b.Authors = once(b.Authors, i) })
	r.values("series", "name", "books_series_link", "series", none, func(b *catalog.Book, i catalog.Item, _ sql.NullString) { b.Series = &i })
	r.values("tags", "name", "books_tags_link", "tag", none, func(b *catalog.Book, i catalog.Item, _ sql.NullString) { b.Tags = once(b.Tags, i) })
	r.values("publishers", "name", "books_publishers_link", "publisher", none, func(b *catalog.Book, i catalog.Item, _ sql.NullString) { b.Publisher = &i })
	r.values("languages", "lang_code", "books_languages_link", "lang_code", none, func(b *catalog.Book, i catalog.Item, _ sql.NullString) { b.Languages = once(b.Languages, i) })
	r.stars("ratings", "rating", "books_ratings_link", "rating", func(b *catalog.Book, stars float64) { b.Rating = stars })
	r.of("comments", "SELECT book, text FROM comments WHERE book"+between+" ORDER BY id", func(b *catalog.Book, v []sql.NullString) { b.Comments = text(v[1]) })
	r.of("identifiers", "SELECT book, type, val FROM identifiers WHERE book"+between+" AND type IS NOT NULL AND val IS NOT NULL ORDER BY book, type, id", func(b *catalog.Book, v []sql.NullString) {
		b.Identifiers = append(b.Identifiers, catalog.Identifier{Type: text(v[1]), Value: text(v[2])})
	})
	r.of("data", "SELECT book, format, name, uncompressed_size FROM data WHERE book"+between+" AND ifnull(format, '') <> '' ORDER BY book, upper(format), id", func(b *catalog.Book, v []sql.NullString) {
		f := catalog.Format{Name: strings.ToUpper(text(v[1])), File: text(v[2]) + "." + strings.ToLower(text(v[1]))}
		f.Key = below(b.Path, f.File)
		size, _ := strconv.ParseInt(v[3].String, 10, 64)
		f.Size = max(size, 0)
		if n := len(b.Formats); n > 0 && b.Formats[n-1].Name == f.Name {
			b.Formats = b.Formats[:n-1]
		}
		b.Formats = append(b.Formats, f)
	})
	if r.t.pages {
		r.of("books_pages_link", "SELECT book, pages FROM books_pages_link WHERE book"+between, func(b *catalog.Book, v []sql.NullString) {
			n, _ := strconv.Atoi(v[1].String)
			b.Pages = max(n, 0)
		})
	}
}

// custom reads what books have of the custom column that is the number n of all.
func (r *reading) custom(n int) {
	col := &r.t.columns[n]
	link := "books_" + col.table + "_link"
	switch col.Type {
	case catalog.TypeRating:
		r.stars(col.table, "value", link, "value", func(b *catalog.Book, stars float64) { b.Custom[n].Number, b.Custom[n].Set = stars, true })
		return
	case catalog.TypeText, catalog.TypeEnumeration, catalog.TypeSeries:
		extra := "NULL"
		if col.Type == catalog.TypeSeries {
			extra = "l.extra"
		}
		r.values(col.table, "value", link, "value", extra, func(b *catalog.Book, i catalog.Item, extra sql.NullString) {
			c := &b.Custom[n]
			if c.Multiple {
				c.Items = once(c.Items, i)
				return
			}
			c.Items, c.Index = []catalog.Item{i}, 1
			if f, err := strconv.ParseFloat(extra.String, 64); err == nil {
				c.Index = f
			}
		})
		return
	}
	r.of(col.table, "SELECT book, value||'' FROM "+col.table+" WHERE book"+between+" ORDER BY id", func(b *catalog.Book, v []sql.NullString) {
		c := &b.Custom[n]
		switch col.Type {
		case catalog.TypeComments:
			c.Text = text(v[1])
		case catalog.TypeDatetime:
			c.Time = readTime(v[1])
		default:
			f, err := strconv.ParseFloat(v[1].String, 64)
			if c.Set = err == nil; c.Set {
				c.Number, c.Bool = f, f != 0
			}
		}
	})
}

func text(v sql.NullString) string { return strings.ToValidUTF8(v.String, "\uFFFD") }

func below(path, file string) string { return strings.TrimPrefix(path+"/"+file, "/") }

// readTime reads a date as Calibre writes it, and those that it wrote before.
func readTime(v sql.NullString) time.Time {
	if !v.Valid || v.String == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, v.String); err == nil {
			if t = t.UTC(); t.Year() <= 101 { // Calibre's way to say that it is not known
				return time.Time{}
			}
			return t
		}
	}
	return unread()
}
