package calibretest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// addAuthors gives the book one to three authors, and returns its author sort.
func (g *generator) addAuthors(b *book) string {
	n := 1
	switch d := g.rng.IntN(100); {
	case d < 5:
		n = 3
	case d < 20:
		n = 2
	}
	var sorts []string
	for range n {
		a, isNew := g.authors[b.language].draw(g.rng)
		if isNew {
			link := ""
			if g.rng.IntN(40) == 0 {
				link = fmt.Sprintf("https://authors.example/%d", a.id)
			}
			g.tables["authors"].add(a.id, a.text, authorSort(a.text), link)
		}
		if slices.Contains(b.authors, a) {
			continue
		}
		b.authors = append(b.authors, a)
		sorts = append(sorts, authorSort(a.text))
		g.tables["books_authors_link"].add(b.id, a.id)
	}
	return strings.Join(sorts, " & ")
}

// addSeries puts one book in five into a series, and returns its index there.
func (g *generator) addSeries(b *book) float64 {
	if g.rng.IntN(100) >= 20 {
		return 1
	}
	s, isNew := g.series[b.language].draw(g.rng)
	if isNew {
		g.tables["series"].add(s.id, s.text, titleSort(s.text))
	}
	g.tables["books_series_link"].add(b.id, s.id)
	index := s.next
	if g.rng.IntN(20) == 0 {
		return index - 0.5 // a tale between two volumes
	}
	s.next++
	return index
}

func (g *generator) addPublisher(b *book) {
	if g.rng.IntN(100) >= 85 {
		return
	}
	p, isNew := g.imprint.draw(g.rng)
	if isNew {
		g.tables["publishers"].add(p.id, p.text)
	}
	g.tables["books_publishers_link"].add(b.id, p.id)
}

// addLanguages gives the book its language; some have a second, few none.
func (g *generator) addLanguages(b *book) {
	if g.rng.IntN(100) < 3 {
		return
	}
	languages := []int{b.language}
	if second := g.drawLanguage(); g.rng.IntN(100) < 3 && second != b.language {
		languages = append(languages, second)
	}
	for order, i := range languages {
		code := g.words.languages[i].code
		id, isNew := g.codes.id(code)
		if isNew {
			g.tables["languages"].add(id, code)
		}
		g.tables["books_languages_link"].add(b.id, id, order)
	}
}

// addRating rates half of the books, a few with half stars.
func (g *generator) addRating(b *book) {
	if g.rng.IntN(2) == 0 {
		return
	}
	rating := drawRating(g.rng)
	id, isNew := g.ratings.id(rating.text)
	if isNew {
		g.tables["ratings"].add(id, rating.value)
	}
	g.tables["books_ratings_link"].add(b.id, id)
}

// stars is a rating in half stars, 1 to 10, and the same as text.
type stars struct {
	value int
	text  string
}

func drawRating(rng *rand.Rand) stars {
	n := 2 * min(5, 2+rng.IntN(3)+rng.IntN(2))
	if rng.IntN(8) == 0 {
		n = 1 + rng.IntN(10)
	}
	return stars{n, fmt.Sprint(n)}
}

// addIdentifiers gives the book none to three identifiers of different types.
func (g *generator) addIdentifiers(b *book) {
	add := func(chance int, kind string, value func() string) {
		if g.rng.IntN(100) < chance {
			g.tables["identifiers"].add(b.id, kind, value())
		}
	}
	add(60, "isbn", func() string { return isbn13(g.rng.IntN(1e9)) })
	add(25, "goodreads", func() string { return fmt.Sprint(1 + g.rng.IntN(6e7)) })
	add(20, "amazon", func() string { return fmt.Sprintf("B0%08X", g.rng.Uint32()) })
	add(4, "doi", func() string { return fmt.Sprintf("10.%d/shelf.%d", 1000+g.rng.IntN(9000), g.rng.IntN(1e6)) })
	add(2, "uri", func() string { return fmt.Sprintf("https://books.example/%d?a=1&b=2|3", b.id) })
}

// isbn13 writes an ISBN with its check digit; n has nine digits.
func isbn13(n int) string {
	s := fmt.Sprintf("978%09d", n)
	sum := 0
	for i, c := range s {
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
}

// tagList draws tags by Zipf's law.
type tagList struct {
	names []string
	zipf  *rand.Zipf
	used  *names
}

// tagCount is how many different tags a large library has.
const tagCount = 5000

func newTagList(rng *rand.Rand, w *words) *tagList {
	t := &tagList{used: newNames(), zipf: rand.NewZipf(rng, 1.07, 10, tagCount-1)}
	taken := newNames()
	eng := w.languages[0]
	for _, name := range w.tag {
		taken.id(name)
		t.names = append(t.names, name)
	}
	for len(t.names) < tagCount {
		base := pick(rng, w.tag)
		var name string
		switch rng.IntN(4) {
		case 0:
			name = base + "." + pick(rng, eng.noun).text // a hierarchy
		case 1:
			name = base + "." + pick(rng, eng.noun).text + "." + pick(rng, eng.adj).text
		case 2:
			name = pick(rng, eng.adj).text + " " + pick(rng, eng.noun).text
		default:
			name = pick(rng, pick(rng, w.languages[1:]).noun).text + " " + pick(rng, eng.noun).text
		}
		if _, isNew := taken.id(name); isNew {
			t.names = append(t.names, name)
		}
	}
	return t
}

func (g *generator) addTags(b *book) {
	n := [...]int{0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 6}[g.rng.IntN(12)]
	var ids []int
	for range n {
		name := g.tags.names[g.tags.zipf.Uint64()]
		id, isNew := g.tags.used.id(name)
		if isNew {
			g.tables["tags"].add(id, name)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
			g.tables["books_tags_link"].add(b.id, id)
		}
	}
}

// preferences writes virtual libraries, saved searches, user categories and
// grouped search terms that have a meaning in this library.
func (g *generator) preferences() error {
	author := g.authors[0].draws
	category := [][]any{{"Maps", "tags", 0}, {"Maritime", "#genre", 0}}
	saved := map[string]string{"Recent": "pubdate:>2010", "Good": "rating:>=4"}
	if len(author) > 0 {
		category = append(category, []any{author[0].text, "authors", 0})
		saved["First author"] = `author:"=` + author[0].text + `"`
	}
	for _, p := range []struct {
		key   string
		value any
	}{
		{"virtual_libraries", map[string]string{
			"Long reads": "#pages:>300", "Sea": `tags:"=Sea Stories"`, "Unread": "#read:false or not #read:true",
			"Not English": "not languages:eng", "Recent and good": "search:Recent and search:Good",
		}},
		{"saved_searches", saved},
		{"user_categories", map[string]any{"At sea": category}},
		{"grouped_search_terms", map[string][]string{"subject": {"tags", "#genre"}}},
	} {
		value, err := json.MarshalIndent(p.value, "", "  ")
		if err != nil {
			return err
		}
		g.tables["preferences"].add(p.key, string(value))
	}
	return nil
}
