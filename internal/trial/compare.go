package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// known is a book as both sides can say it.
type known struct {
	UUID, Title, Sort, AuthorSort      string
	Authors, Tags, Languages, Formats  []string // tags, languages and formats in order of the alphabet
	Series, Publisher, Added, Comments string
	Index, Rating                      float64
	Identifiers                        map[string]string
}

// calibreSays is the Python for all books of Calibre.
const calibreSays = `
def say(i):
    f = lambda name: db.field_for(name, i)
    return {
        'UUID': f('uuid'), 'Title': f('title'), 'Sort': f('sort'), 'AuthorSort': f('author_sort') or '',
        'Authors': list(f('authors') or ()), 'Tags': sorted(f('tags') or ()), 'Languages': sorted(f('languages') or ()),
        'Formats': sorted(f('formats') or ()), 'Series': f('series') or '', 'Index': (f('series_index') or 0) if f('series') else 0,
        'Publisher': f('publisher') or '', 'Rating': (f('rating') or 0) / 2, 'Identifiers': dict(f('identifiers') or {}),
        'Added': f('timestamp').isoformat() if f('timestamp').year > 101 else '', 'Comments': f('comments') or '',
    }
{str(i): say(i) for i in db.all_book_ids()}
`

// ofCalibre are all books as Calibre has them.
func (e *editing) ofCalibre() (map[string]known, error) {
	books := map[string]known{}
	if err := e.calibre.Eval(&books, calibreSays); err != nil {
		return nil, err
	}
	for id, b := range books {
		books[id] = b.plain()
	}
	return books, nil
}

// plain writes what has several forms in one.
func (k known) plain() known {
	if t, err := time.Parse(time.RFC3339Nano, k.Added); err == nil {
		k.Added = t.UTC().Format(time.RFC3339)
	}
	for _, list := range []*[]string{&k.Authors, &k.Tags, &k.Languages, &k.Formats} {
		if *list == nil {
			*list = []string{}
		}
	}
	slices.Sort(k.Tags)
	slices.Sort(k.Languages)
	slices.Sort(k.Formats)
	// The server cleans HTML, so of comments only that there are some is compared.
	k.Comments = fmt.Sprint(strings.TrimSpace(k.Comments) != "")
	return k
}

// ofServer are all books as a replica serves them, by pages.
func (s *site) ofServer(ctx context.Context, r *replica) (map[string]known, error) {
	books := map[string]known{}
	from := s.root.at(r.addr)
	for cursor := ""; ; {
		query := []string{"limit", "500", "sort", "id", "include", "comments"}
		if cursor != "" {
			query = append(query, "cursor", cursor)
		}
		token := s.root.fresh(ctx)
		rep := from.send(ctx, http.MethodGet, path("/api/books", query...), token, nil, "Accept-Encoding", "identity")
		if rep.err != nil || rep.status != http.StatusOK {
			return nil, fmt.Errorf("%s: a page of books: answered %d: %.300s, %w", r.name, rep.status, rep.body, rep.err)
		}
		var page struct {
			Items []struct {
				ID         int
				UUID       string
				Title      string
				Sort       string  `json:"title_sort"`
				AuthorSort *string `json:"author_sort"`
				Authors    []struct{ Name string }
				Series     *struct {
					Name  string
					Index float64
				}
				Tags, Languages []string
				Publisher       *string
				Rating          *float64
				Identifiers     map[string]string
				Added           *string
				Comments        *string `json:"comments_html"`
				Formats         []struct{ Format string }
			}
			Next *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(rep.body, &page); err != nil {
			return nil, err
		}
		for _, b := range page.Items {
			k := known{
				UUID: b.UUID, Title: b.Title, Sort: b.Sort, AuthorSort: or(b.AuthorSort), Tags: b.Tags, Languages: b.Languages,
				Publisher: or(b.Publisher), Rating: or(b.Rating), Identifiers: b.Identifiers, Added: or(b.Added), Comments: or(b.Comments),
			}
			for _, a := range b.Authors {
				k.Authors = append(k.Authors, a.Name)
			}
			for _, f := range b.Formats {
				k.Formats = append(k.Formats, f.Format)
			}
			if b.Series != nil {
				k.Series, k.Index = b.Series.Name, b.Series.Index
			}
			books[fmt.Sprint(b.ID)] = k.plain()
		}
		if page.Next == nil {
			return books, nil
		}
		cursor = *page.Next
	}
}

// or is what a pointer points to, or nothing.
func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// differences says where two catalogs are not equal, the first few.
func differences(calibre, server map[string]known) []string {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(calibre)) {
		theirs, err := json.Marshal(calibre[id])
		if err != nil {
			return []string{err.Error()}
		}
		ours, err := json.Marshal(server[id])
		if err != nil {
			return []string{err.Error()}
		}
		if _, there := server[id]; !there {
			found = append(found, "book "+id+" is not served")
		} else if string(theirs) != string(ours) {
			found = append(found, fmt.Sprintf("book %s: Calibre has %s, served is %s", id, theirs, ours))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(server)) {
		if _, there := calibre[id]; !there {
			found = append(found, "book "+id+" is served, and Calibre does not have it")
		}
	}
	return found
}

// compare waits until a replica serves what Calibre has, for as long as it may
// take to follow.
func (e *editing) compare(ctx context.Context, s *site, r *replica) (text string, equal bool, err error) {
	theirs, err := e.ofCalibre()
	if err != nil {
		return "", false, err
	}
	var found []string
	for began := time.Now(); time.Since(began) < follow; {
		ours, err := s.ofServer(ctx, r)
		if err != nil {
			return "", false, err
		}
		if found = differences(theirs, ours); len(found) == 0 {
			return fmt.Sprintf("%d books, nothing differs", len(ours)), true, nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return "", false, err
		}
	}
	return fmt.Sprintf("%d differences: %s", len(found), strings.Join(found[:min(3, len(found))], "; ")), false, nil
}
