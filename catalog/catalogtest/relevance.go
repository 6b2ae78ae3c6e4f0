package catalogtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// tiers returns the first and the last of the groups of catalog.FieldRelevance
// in which a book may be: whether words are found within others is left to the
// reader.
func tiers(b *catalog.Book, words []string) (first, last int) {
	texts := []string{b.Title}
	for _, a := range b.Authors {
		texts = append(texts, a.Name)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return !spoken(s) }) {
		return 0, 4
	}
	var all []string
	title := wordsOf(b.Title)
	for _, s := range texts {
		all = append(all, wordsOf(s)...)
	}
	has := func(list []string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(list, w) })
	}
	within := func(texts []string) bool {
		return !slices.ContainsFunc(words, func(w string) bool {
			return !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(bare(s), w) })
		})
	}
	joined := strings.Join(words, "")
	first = slices.Index([]bool{
		bare(b.Title) == joined, strings.HasPrefix(bare(b.Title), joined), within(texts[:1]), within(texts), true,
	}, true)
	last = slices.Index([]bool{
		slices.Equal(title, words), len(title) >= len(words) && slices.Equal(title[:len(words)], words), has(title), has(all), true,
	}, true)
	return first, last
}

// spoken tells whether text is made of plain words and punctuation.
func spoken(s string) bool { return plain(s) && !strings.ContainsAny(s, "<>+=") }

func wordsOf(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// relevance sorts by how well titles and authors fit words.
func (s *suite) relevance(t *testing.T) {
	var asked [][]string
	for i := range s.all {
		b := &s.all[i]
		title := wordsOf(b.Title)
		if len(asked) >= 12 || !spoken(b.Title) || len(title) == 0 {
			continue
		}
		asked = append(asked, title, title[:1], title[len(title)-1:])
		if len(b.Authors) > 0 && spoken(b.Authors[0].Name) {
			if a := wordsOf(b.Authors[0].Name); len(a) > 0 {
				asked = append(asked, []string{title[0], a[len(a)-1]})
			}
		}
	}
	place := map[catalog.BookID]int{}
	for i, b := range s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldTitle, Desc: true}}, Limit: catalog.MaxLimit}) {
		place[b.ID] = i
	}
	for _, words := range asked {
		q := catalog.Query{
			Sort:  []catalog.SortKey{{Field: catalog.FieldRelevance}, {Field: catalog.FieldTitle, Desc: true}},
			Words: slices.Clone(words), Limit: catalog.MaxLimit,
		}
		q.Words[0] = strings.ToUpper(words[0])
		got := s.walk(t, q)
		before := map[int]int{} // place of the last book that is surely in a group
		reached := 0
		for i := range got {
			first, last := tiers(&got[i], words)
			if reached = max(reached, first); reached > last {
				t.Errorf("words %q: book %d, %q, comes after books that fit less", words, got[i].ID, got[i].Title)
				break
			}
			if first == last {
				if p := place[got[i].ID]; p < before[first] {
					t.Errorf("words %q: book %d, %q, is not in the order of the next key", words, got[i].ID, got[i].Title)
				} else {
					before[first] = p
				}
			}
		}
		q.Limit = max(2, len(s.all)/20)
		if paged := ids(s.walk(t, q)); !slices.Equal(paged, ids(got)) {
			t.Errorf("words %q in pages of %d: %v, want %v", words, q.Limit, short(paged), short(ids(got)))
		}
	}
	none := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldRelevance}}}))
	if !slices.Equal(none, ids(s.all)) {
		t.Errorf("without words %v come in another order than by id", short(none))
	}
	_, err := s.r.Books(s.ctx, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldRelevance, Desc: true}}})
	s.invalid(t, err, "sort")
}
