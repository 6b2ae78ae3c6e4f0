package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Difference is something that a catalog says and the database does not.
type Difference struct {
	// Book is the book's number; 0 is none in particular.
	Book catalog.BookID `json:"book,omitempty"`
	// Field is what differs: the name of a field, "book" for the whole of one,
	// "fields" for the custom columns.
	Field string `json:"field"`
	// Calibre is what the database has, Served what the catalog says. Long texts
	// are cut.
	Calibre string `json:"calibre"`
	Served  string `json:"served"`
}

// String is a line for people.
func (d Difference) String() string {
	what := d.Field
	if d.Book != 0 {
		what = fmt.Sprintf("book %d: %s", d.Book, d.Field)
	}
	return fmt.Sprintf("%s: Calibre has %q, served is %q", what, d.Calibre, d.Served)
}

// Names of what is there on one side only.
const (
	there  = "there"
	absent = "not there"
)

// unknown is the sort value of an author for which the database has none, where
// readers make one.
const unknown = "\x00"

// unread is a date that is written as Calibre does not write dates.
func unread() time.Time { return time.Unix(1, 1).UTC() }

// Compare tells report of everything that differs between the copy and what r
// says, book by book, in the order of their ids, and returns how many differences
// there are and how many books the copy has. r must hold still (see
// catalog.Snapshot). Memory is that of a few pages of books, however many there
// are.
func (c *Copy) Compare(ctx context.Context, r catalog.Reader, report func(Difference)) (differences, books int, err error) {
	tell := func(d Difference) {
		differences++
		report(d)
	}
	t := &tables{copy: c}
	if err := t.open(ctx); err != nil {
		return 0, 0, err
	}
	fields, err := r.Fields(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("fields: %w", err)
	}
	t.compareFields(fields, tell)
	served := pages{reader: r}
	for after := int64(0); ; {
		chunk, err := t.chunk(ctx, after)
		if err != nil {
			return differences, books, err
		}
		for i := range chunk {
			want := &chunk[i]
			books++
			for {
				got, err := served.next(ctx)
				if err != nil {
					return differences, books, err
				}
				if got != nil && got.ID < want.ID {
					tell(Difference{Book: got.ID, Field: "book", Calibre: absent, Served: there})
					continue
				}
				if got == nil || got.ID > want.ID {
					served.back()
					tell(Difference{Book: want.ID, Field: "book", Calibre: there, Served: absent})
					break
				}
				compareBook(want, got, t.shuffled, tell)
				break
			}
		}
		if len(chunk) == 0 {
			break
		}
		after = int64(chunk[len(chunk)-1].ID)
	}
	for {
		got, err := served.next(ctx)
		if err != nil || got == nil {
			return differences, books, err
		}
		tell(Difference{Book: got.ID, Field: "book", Calibre: absent, Served: there})
	}
}

// pages goes through the books of a reader, by id.
type pages struct {
	reader catalog.Reader
	page   catalog.Page[catalog.Book]
	at     int
	begun  bool
}

// next returns nil behind the last book.
func (p *pages) next(ctx context.Context) (*catalog.Book, error) {
	for p.at >= len(p.page.Items) {
		if p.begun && p.page.Next == "" {
			p.at++ // as if a book had been taken: back goes back to here
			return nil, nil
		}
		page, err := p.reader.Books(ctx, catalog.Query{Limit: catalog.MaxLimit, After: p.page.Next, Comments: true})
		if err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		p.page, p.at, p.begun = page, 0, true
	}
	p.at++
	return &p.page.Items[p.at-1], nil
}

// back has the next call of next return the same again.
func (p *pages) back() { p.at-- }

// compareBook compares a book as the database has it with one as it is served.
func compareBook(want, got *catalog.Book, shuffled map[catalog.FieldKey]bool, tell func(Difference)) {
	differ := func(field, a, b string) {
		if a != b {
			a, b = cut(a, b)
			tell(Difference{want.ID, field, a, b})
		}
	}
	for i := range want.Authors {
		if want.Authors[i].Sort == unknown && i < len(got.Authors) {
			want.Authors[i].Sort = got.Authors[i].Sort
		}
	}
	differ("title", want.Title, got.Title)
	differ("sort", want.TitleSort, got.TitleSort)
	differ("uuid", want.UUID, got.UUID)
	differ("authors", items(want.Authors), items(got.Authors))
	differ("author_sort", want.AuthorSort, got.AuthorSort)
	differ("series", one(want.Series), one(got.Series))
	differ("series_index", number(want.SeriesIdx), number(got.SeriesIdx))
	differ("tags", items(want.Tags), items(got.Tags))
	differ("publisher", one(want.Publisher), one(got.Publisher))
	differ("languages", items(want.Languages), items(got.Languages))
	differ("rating", number(want.Rating), number(got.Rating))
	differ("identifiers", fmt.Sprint(want.Identifiers), fmt.Sprint(got.Identifiers))
	for _, d := range []struct {
		field      string
		want, have time.Time
	}{{"pubdate", want.Published, got.Published}, {"timestamp", want.Added, got.Added}, {"last_modified", want.Modified, got.Modified}} {
		differ(d.field, date(d.want, d.have), date(d.have, d.have))
	}
	differ("comments", want.Comments, got.Comments)
	differ("path", want.Path, got.Path)
	differ("cover", want.Cover, got.Cover)
	differ("formats", formats(want.Formats), formats(got.Formats))
	differ("pages", strconv.Itoa(want.Pages), strconv.Itoa(got.Pages))
	for i := range want.Custom {
		w := &want.Custom[i]
		at := slices.IndexFunc(got.Custom, func(c catalog.Custom) bool { return c.Key == w.Key })
		if at < 0 {
			differ(string(w.Key), there, absent)
			continue
		}
		g := &got.Custom[at]
		if shuffled[w.Key] {
			w, g = ordered(w), ordered(g)
		}
		differ(string(w.Key), custom(w, g), custom(g, g))
	}
}

// ordered returns c with its items by number: their order is not in the database.
func ordered(c *catalog.Custom) *catalog.Custom {
	o := *c
	o.Items = slices.SortedFunc(slices.Values(c.Items), func(a, b catalog.Item) int { return cmp.Compare(a.ID, b.ID) })
	return &o
}

// date is t as a text. other stands for a date that could not be read.
func date(t, other time.Time) string {
	if t.Equal(unread()) {
		t = other
	}
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 15, 64) }

func item(i catalog.Item) string {
	s := i.Name + " (" + strconv.FormatInt(i.ID, 10)
	if i.Sort != i.Name {
		s += ", sorts as " + i.Sort
	}
	if i.Link != "" {
		s += ", " + i.Link
	}
	return s + ")"
}

func one(i *catalog.Item) string {
	if i == nil {
		return ""
	}
	return item(*i)
}

func items(list []catalog.Item) string {
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = item(list[i])
	}
	return strings.Join(texts, " & ")
}

func formats(list []catalog.Format) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = fmt.Sprintf("%s %s %s %d bytes", f.Name, f.File, f.Key, f.Size)
	}
	return strings.Join(texts, ", ")
}

func custom(c, other *catalog.Custom) string {
	s := items(c.Items)
	switch c.Type {
	case catalog.TypeSeries:
		if len(c.Items) > 0 {
			s += " [" + number(c.Index) + "]"
		}
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeRating:
		if c.Set {
			s = number(c.Number)
		}
	case catalog.TypeBool:
		if c.Set {
			s = strconv.FormatBool(c.Bool)
		}
	case catalog.TypeDatetime:
		s = date(c.Time, other.Time)
	case catalog.TypeComments:
		s = c.Text
	}
	return s
}

// longest is how much of a value a difference has.
const longest = 200

// cut shortens two texts that differ, around the first place where they do.
func cut(a, b string) (string, string) {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	from := max(0, same-longest/4)
	short := func(s string) string {
		before, after := "", ""
		if from > 0 {
			before = "…"
		}
		s = s[min(from, len(s)):]
		if len(s) > longest {
			s, after = s[:longest], "…"
		}
		return before + strings.ToValidUTF8(s, "") + after
	}
	return short(a), short(b)
}
