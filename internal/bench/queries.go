package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// vocabulary is what queries are made of: the frequent values of a library, so
// that most selections fill a page.
type vocabulary struct {
	tags, authors, languages []string // escaped for a query
	sorts                    []string // keys of sortable fields, escaped
}

func readVocabulary(ctx context.Context, srv *process) (*vocabulary, error) {
	v := &vocabulary{}
	for _, list := range []struct {
		path string
		to   *[]string
	}{
		{"/api/tags?sort=-count&limit=300", &v.tags},
		{"/api/authors?sort=-count&limit=300", &v.authors},
		{"/api/languages?sort=-count&limit=4", &v.languages},
	} {
		var page struct{ Items []struct{ Value string } }
		if err := fetchJSON(ctx, srv, list.path, &page); err != nil {
			return nil, err
		}
		for _, t := range page.Items {
			*list.to = append(*list.to, url.QueryEscape(t.Value))
		}
		if len(*list.to) == 0 {
			return nil, fmt.Errorf("%s has no items", list.path)
		}
	}
	var fields struct {
		Items []struct {
			Key      string
			Sortable bool
		}
	}
	if err := fetchJSON(ctx, srv, "/api/fields", &fields); err != nil {
		return nil, err
	}
	for _, f := range fields.Items {
		if f.Sortable && f.Key != "id" && f.Key != "cover" {
			v.sorts = append(v.sorts, url.QueryEscape(f.Key))
		}
	}
	if len(v.sorts) < 2 {
		return nil, fmt.Errorf("only %d fields can be sorted by", len(v.sorts))
	}
	return v, nil
}

func fetchJSON(ctx context.Context, srv *process, path string, to any) error {
	body, err := srv.FetchOK(ctx, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// pages asks for pages of books, each another one: one to three filters of any
// kinds, one or two sort keys in both directions, and up to three pages of each
// query walked by cursor.
type pages struct {
	v    *vocabulary
	rng  *rand.Rand
	seen *queries
	base string
	hops int // pages of base still to be walked
}

// queries remembers what the connections of a load have asked.
type queries struct {
	mu   sync.Mutex
	seen map[string]bool
}

// add reports whether a query is new, and remembers it.
func (q *queries) add(s string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.seen[s] {
		return false
	}
	q.seen[s] = true
	return true
}

func (p *pages) next(dst []byte, before answer) []byte {
	if p.hops > 0 {
		p.hops--
		if c := nextCursor(before.body); c != "" {
			return get(dst, p.base+"&cursor="+url.QueryEscape(c))
		}
	}
	p.hops = p.rng.IntN(3)
	for p.base = p.query(); !p.seen.add(p.base); p.base = p.query() {
	}
	return get(dst, p.base)
}

// query makes a query without a cursor.
func (p *pages) query() string {
	var b strings.Builder
	b.WriteString("/api/books?sort=")
	first := p.rng.IntN(len(p.v.sorts))
	p.sortKey(&b, first)
	if second := p.rng.IntN(len(p.v.sorts)); second != first && p.rng.IntN(2) == 0 {
		b.WriteByte(',')
		p.sortKey(&b, second)
	}
	kinds := p.rng.Perm(6)
	for _, kind := range kinds[:1+p.rng.IntN(3)] {
		switch kind {
		case 0:
			for range 1 + p.rng.IntN(3) {
				b.WriteString("&tags=" + p.pick(p.v.tags))
			}
		case 1:
			for range 5 {
				b.WriteString("&authors=" + p.pick(p.v.authors))
			}
		case 2:
			b.WriteString("&languages=" + p.pick(p.v.languages))
		case 3:
			low := 1 + p.rng.IntN(3)
			fmt.Fprintf(&b, "&rating=%d..%d", low, low+1+p.rng.IntN(2))
		case 4:
			p.days(&b, "published", 1950, 1990)
		case 5:
			p.days(&b, "added", 2009, 2016)
		}
	}
	return b.String()
}

func (p *pages) sortKey(b *strings.Builder, i int) {
	if p.rng.IntN(2) == 0 {
		b.WriteByte('-')
	}
	b.WriteString(p.v.sorts[i])
}

// days appends a range of days that begins between two years and lasts for
// ten to thirty years.
func (p *pages) days(b *strings.Builder, field string, from, to int) {
	first := time.Date(from, 1, 1+p.rng.IntN(365*(to-from)), 0, 0, 0, 0, time.UTC)
	last := first.AddDate(10, 0, p.rng.IntN(365*20))
	fmt.Fprintf(b, "&%s=%s..%s", field, first.Format(time.DateOnly), last.Format(time.DateOnly))
}

func (p *pages) pick(list []string) string { return list[p.rng.IntN(len(list))] }

// nextCursor finds the cursor of the page that follows, "" if there is none.
func nextCursor(body []byte) string {
	key := []byte(`"next_cursor":"`)
	i := bytes.LastIndex(body, key)
	if i < 0 {
		return ""
	}
	rest := body[i+len(key):]
	end := bytes.IndexByte(rest, '"')
	return string(rest[:max(end, 0)])
}

// pageSources makes the sources of pages for some connections.
func (v *vocabulary) pageSources(seed uint64, conns int) []source {
	var s []source
	seen := &queries{seen: map[string]bool{}}
	for i := range conns {
		s = append(s, &pages{v: v, rng: rand.New(rand.NewPCG(seed, uint64(i))), seen: seen})
	}
	return s
}

// terms walks through the authors and then the tags of the library, in every
// order, and then again with pages of another size. No two connections ever
// ask for pages of one size, so that no page is asked for twice.
type terms struct {
	limit, conns int
	round, step  int // step counts the four orders of two fields
	base         string
}

func (t *terms) next(dst []byte, before answer) []byte {
	if c := nextCursor(before.body); t.base != "" && c != "" {
		return get(dst, t.base+"&cursor="+url.QueryEscape(c))
	}
	orders := [...]string{"name", "-count", "-name", "count"}
	fields := [...]string{"authors", "tags"}
	if t.step == len(orders)*len(fields) {
		t.step = 0
		t.round++
	}
	t.base = fmt.Sprintf("/api/%s?limit=%d&sort=%s", fields[t.step%2], t.size(), orders[t.step/2])
	t.step++
	return get(dst, t.base)
}

// size is the size of pages in this round: the first one, then larger and
// smaller ones in turn, which leaves the mean where it was.
func (t *terms) size() int {
	away := (t.round + 1) / 2 * t.conns
	if t.round%2 == 0 {
		away = -away
	}
	return min(max(t.limit+away, 1), catalog.MaxLimit)
}

// termSources makes pages of 50 terms, give or take half the connections. The
// seed decides in which order of the terms a source begins.
func termSources(seed uint64, conns int) []source {
	var s []source
	for i := range conns {
		s = append(s, &terms{limit: max(catalog.DefaultLimit-conns/2, 1) + i, conns: conns, step: 2 * (int(seed) % 4)})
	}
	return s
}

// bookSources asks for each of the books once before any is asked again, in
// random order, the connections sharing the books between them.
func bookSources(ids []catalog.BookID) func(seed uint64, conns int) []source {
	return func(seed uint64, conns int) []source {
		order := rand.New(rand.NewPCG(seed, 0)).Perm(len(ids))
		s := make([]source, conns)
		for i := range s {
			s[i] = &books{ids: ids, order: order, at: i, step: conns}
		}
		return s
	}
}

type books struct {
	ids      []catalog.BookID
	order    []int
	at, step int
}

func (b *books) next(dst []byte, _ answer) []byte {
	id := b.ids[b.order[b.at%len(b.order)]]
	b.at += b.step
	return get(dst, fmt.Sprintf("/api/books/%d", id))
}

// again asks a few requests in turn, each connection beginning elsewhere.
func again(requests [][]byte) func(uint64, int) []source {
	return func(_ uint64, conns int) []source {
		s := make([]source, conns)
		for i := range s {
			s[i] = &cycle{requests: requests, at: i * len(requests) / conns}
		}
		return s
	}
}

// same asks one request for ever.
func same(request []byte) func(uint64, int) []source { return again([][]byte{request}) }
