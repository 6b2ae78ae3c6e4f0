package calibretest

import (
	"context"
	"database/sql"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"
)

// generator makes the rows of a library, book by book.
type generator struct {
	spec    Spec
	rng     *rand.Rand
	words   *words
	files   *bookFiles
	tables  map[string]*batch
	order   []*batch
	authors []*pool // by language
	series  []*pool // by language
	imprint *pool
	tags    *tagList
	codes   *names // languages
	ratings *names
	custom  []*customColumn
	buf     []byte
}

// book is the book being made.
type book struct {
	id       int
	language int // index into words.languages
	title    word
	authors  []*term
	added    time.Time
	modified time.Time
}

func newGenerator(ctx context.Context, tx *sql.Tx, dir string, spec Spec) (*generator, error) {
	g := &generator{
		spec: spec, rng: rand.New(rand.NewPCG(spec.Seed, 0x7072657373)),
		tables: map[string]*batch{}, codes: newNames(), ratings: newNames(),
	}
	var err error
	if g.words, err = loadWords(g.rng); err != nil {
		return nil, err
	}
	if g.files, err = newBookFiles(dir); err != nil {
		return nil, err
	}
	for _, t := range [][2]string{
		{"books", "id, title, sort, timestamp, pubdate, series_index, author_sort, path, uuid, has_cover, last_modified"},
		{"authors", "id, name, sort, link"},
		{"books_authors_link", "book, author"},
		{"series", "id, name, sort"},
		{"books_series_link", "book, series"},
		{"publishers", "id, name"},
		{"books_publishers_link", "book, publisher"},
		{"tags", "id, name"},
		{"books_tags_link", "book, tag"},
		{"languages", "id, lang_code"},
		{"books_languages_link", "book, lang_code, item_order"},
		{"ratings", "id, rating"},
		{"books_ratings_link", "book, rating"},
		{"comments", "book, text"},
		{"identifiers", "book, type, val"},
		{"data", "book, format, uncompressed_size, name"},
		{"preferences", "key, val"},
	} {
		g.tables[t[0]] = g.batch(ctx, tx, t[0], t[1])
	}
	authors, series := newNames(), newNames()
	for _, l := range g.words.languages {
		g.authors = append(g.authors, &pool{fresh: authorsABook / authorSlots, used: authors, invent: func() word { return g.personName(l) }})
		g.series = append(g.series, &pool{fresh: 0.25, used: series, invent: func() word { return g.titleOf(l) }})
	}
	g.imprint = &pool{fresh: 0.004, used: newNames(), invent: func() word {
		eng := g.words.languages[0]
		return word{text: pick(g.rng, eng.family).text + " " + pick(g.rng, g.words.imprint)}
	}}
	g.tags = newTagList(g.rng, g.words)
	if g.custom, err = g.customColumns(ctx, tx); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE library_id SET uuid = ?`, g.uuid())
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM preferences WHERE key IN ('virtual_libraries', 'saved_searches', 'user_categories', 'grouped_search_terms')`)
	}
	return g, err
}

// authorsABook is how many distinct authors there are for each book, and
// authorSlots how many authors a book has at the average.
const (
	authorsABook = 0.4
	authorSlots  = 1.25
)

func (g *generator) batch(ctx context.Context, tx *sql.Tx, table, columns string) *batch {
	b := newBatch(ctx, tx, table, columns)
	g.order = append(g.order, b)
	return b
}

// run makes all books and ends the batches.
func (g *generator) run() error {
	first := time.Date(2009, 3, 1, 8, 0, 0, 0, time.UTC)
	span := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Sub(first)
	id := 0
	for i := range g.spec.Books {
		id++
		if i > 0 && g.rng.IntN(50) == 0 {
			id++ // a book that was deleted
		}
		// Books were added in their order, in groups that share a day.
		added := first.Add(time.Duration(float64(i) / float64(g.spec.Books) * float64(span))).Add(time.Duration(g.rng.IntN(86_400)) * time.Second)
		if err := g.book(&book{id: id, added: added}, i < g.spec.Files); err != nil {
			return err
		}
	}
	if err := g.preferences(); err != nil {
		return err
	}
	for _, b := range g.order {
		if err := b.finish(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) book(b *book, withFiles bool) error {
	rng := g.rng
	b.language = g.drawLanguage()
	l := g.words.languages[b.language]
	b.title = g.titleOf(l)
	b.modified = b.added.Add(time.Duration(rng.ExpFloat64() * float64(90*24*time.Hour))).Add(time.Duration(rng.IntN(1e6)) * time.Microsecond)
	if limit := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC); b.modified.After(limit) {
		b.modified = limit.Add(-time.Duration(rng.IntN(1e9)) * time.Microsecond)
	}
	sorts := g.addAuthors(b)
	index := g.addSeries(b)
	hasCover := rng.IntN(100) < 93
	path, file := bookPath(b.authors[0].ascii, b.title.ascii, b.id), bookFile(b.authors[0].ascii, b.title.ascii)
	g.tables["books"].add(b.id, b.title.text, titleSort(b.title.text), calibreTime(b.added), calibreTime(g.published(b.added)),
		index, sorts, path, g.uuid(), hasCover, calibreTime(b.modified))
	for _, f := range g.drawFormats() {
		size := int(400_000 * math.Exp(1.2*rng.NormFloat64()))
		if withFiles {
			n, err := g.files.write(path, file, f)
			if err != nil {
				return err
			}
			size = n
		}
		g.tables["data"].add(b.id, f, size, file)
	}
	if withFiles && hasCover {
		if _, err := g.files.write(path, "cover", "JPG"); err != nil {
			return err
		}
	}
	if rng.IntN(100) < 80 {
		g.tables["comments"].add(b.id, g.comment(l, int(800*math.Exp(0.7*rng.NormFloat64()))))
	}
	g.addPublisher(b)
	g.addTags(b)
	g.addLanguages(b)
	g.addRating(b)
	g.addIdentifiers(b)
	for _, c := range g.custom {
		c.add(g, b)
	}
	return g.tables["books"].err
}

// drawLanguage returns an index into words.languages by their shares.
func (g *generator) drawLanguage() int {
	n := g.rng.IntN(1000)
	for i, l := range g.words.languages {
		if n -= l.share; n < 0 {
			return i
		}
	}
	return 0
}

// published is between 1900 and the day the book was added, mostly recent; one
// in thirty is unknown, which Calibre writes as the year 101.
func (g *generator) published(added time.Time) time.Time {
	if g.rng.IntN(30) == 0 {
		return time.Date(101, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	days := added.Sub(first).Hours() / 24
	return first.AddDate(0, 0, int(days*(1-math.Pow(g.rng.Float64(), 2.5))))
}

// drawFormats returns one to three formats, upper case as Calibre stores them.
func (g *generator) drawFormats() []string {
	switch n := g.rng.IntN(100); {
	case n < 55:
		return []string{"EPUB"}
	case n < 65:
		return []string{"EPUB", "AZW3"}
	case n < 72:
		return []string{"EPUB", "PDF"}
	case n < 78:
		return []string{"EPUB", "MOBI", "PDF"}
	case n < 88:
		return []string{"PDF"}
	case n < 93:
		return []string{"CBZ"}
	case n < 97:
		return []string{"FB2", "TXT"}
	}
	return []string{"AZW3"}
}

func (g *generator) uuid() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], g.rng.Uint64())
	binary.LittleEndian.PutUint64(b[8:], g.rng.Uint64())
	return uuid4(b)
}

// calibreTime writes a time as Calibre does: with offset, and microseconds only
// where there are some.
func calibreTime(t time.Time) string {
	if t.Nanosecond() != 0 {
		return t.Format("2006-01-02 15:04:05.000000-07:00")
	}
	return t.Format("2006-01-02 15:04:05-07:00")
}
