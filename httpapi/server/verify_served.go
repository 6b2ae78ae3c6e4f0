package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
)

// Bounds of the talk with a running server.
const (
	servedCall   = time.Minute      // one request
	servedBehind = 30 * time.Second // may it be, unless Verification says otherwise
	servedPause  = time.Second
	servedMost   = 64 << 20 // bytes of an answer
)

// served asks a running server.
type served struct {
	client  *http.Client
	base    string
	token   string
	library string
}

// errNotServed says that an answer is not what a server of this program gives.
var errNotServed = errors.New("not the answer of a pressmark server")

// get asks for a path and reads the answer into to.
func (s *served) get(ctx context.Context, path string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return err
	}
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, servedMost))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w: it wants a login; give a token in PRESSMARK_TOKEN", path, errNotServed)
	case res.StatusCode != http.StatusOK && path != healthPath:
		return fmt.Errorf("%s: %w: %s", path, errNotServed, res.Status)
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("%s: %w: %w", path, errNotServed, err)
	}
	return nil
}

const healthPath = "/api/health"

// revision is that of the library as it is served.
func (s *served) revision(ctx context.Context) (string, error) {
	var health struct {
		Libraries []struct {
			Name     string
			Revision *string
		}
	}
	if err := s.get(ctx, healthPath, &health); err != nil {
		return "", err
	}
	for _, l := range health.Libraries {
		if l.Name == s.library && l.Revision != nil {
			return *l.Revision, nil
		}
		if l.Name == s.library {
			return "", nil // not loaded yet
		}
	}
	return "", fmt.Errorf("%w: it has no library %q", errNotServed, s.library)
}

// reached waits until the library is served at a revision, for as long as the
// server may be behind, and returns the last that was seen.
func (s *served) reached(ctx context.Context, want string, behind time.Duration) (string, error) {
	wait, cancel := context.WithTimeout(ctx, behind)
	defer cancel()
	for {
		got, err := s.revision(ctx)
		if err != nil || got == want {
			return got, err
		}
		pause := time.NewTimer(servedPause)
		select {
		case <-wait.Done():
			pause.Stop()
			return got, ctx.Err()
		case <-pause.C:
		}
	}
}

// compareServed compares what a running server answers with the catalog.
func (s *Server) compareServed(ctx context.Context, lib *calibre.Library, revision catalog.Revision, v Verification, t *tally) error {
	at := &served{client: &http.Client{Timeout: servedCall}, base: strings.TrimRight(v.Server, "/"), token: v.Token, library: t.Library}
	defer at.client.CloseIdleConnections()
	got, err := at.reached(ctx, revision.Digest, cmp.Or(v.Behind, servedBehind))
	if err != nil {
		return fmt.Errorf("ask %s: %w", at.base, err)
	}
	if got != revision.Digest {
		t.differ(Difference{Kind: KindServed, What: "revision", Calibre: revision.Digest, Found: got})
	}
	theirs, ours := servedBooks{at: at}, localBooks{lib: lib}
	for {
		want, err := ours.next(ctx)
		if err != nil {
			return err
		}
		have, err := theirs.next(ctx)
		if err != nil {
			return fmt.Errorf("ask %s: %w", at.base, err)
		}
		for have != nil && (want == nil || id(have) < id(want)) {
			t.differ(Difference{Kind: KindServed, Book: id(have), What: "book", Found: "there"})
			if have, err = theirs.next(ctx); err != nil {
				return fmt.Errorf("ask %s: %w", at.base, err)
			}
		}
		if want == nil {
			return nil
		}
		if have == nil || id(have) > id(want) {
			t.differ(Difference{Kind: KindServed, Book: id(want), What: "book", Calibre: "there"})
			theirs.again = have
			continue
		}
		compareCards(want, have, t)
	}
}

// card is a book as the API writes it.
type card map[string]any

func id(c card) catalog.BookID {
	n, _ := c["id"].(float64)
	return catalog.BookID(n)
}

// compareCards compares what ours has. Addresses are left out, which depend on the
// way to the server.
func compareCards(want, have card, t *tally) {
	for name, w := range want {
		h := have[name]
		strip(w)
		strip(h)
		if !reflect.DeepEqual(w, h) {
			t.differ(Difference{Kind: KindServed, Book: id(want), What: name, Calibre: compact(w), Found: compact(h)})
		}
	}
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"url", "width", "height"} {
			delete(v, name)
		}
	case []any:
		for _, e := range v {
			strip(e)
		}
	}
}

// compact is a value as JSON, not too long.
func compact(v any) string {
	b, _ := json.Marshal(v) // it was read from JSON
	const most = 200
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return string(b)
}

// servedBooks goes through the books that a server has.
type servedBooks struct {
	at     *served
	items  []card
	cursor string
	begun  bool
	again  card // is returned first
}

// next returns nil behind the last.
func (b *servedBooks) next(ctx context.Context) (card, error) {
	if c := b.again; c != nil {
		b.again = nil
		return c, nil
	}
	for len(b.items) == 0 {
		if b.begun && b.cursor == "" {
			return nil, nil
		}
		var page struct {
			Items      []card  `json:"items"`
			NextCursor *string `json:"next_cursor"`
		}
		q := url.Values{"library": {b.at.library}, "limit": {strconv.Itoa(catalog.MaxLimit)}, "sort": {"id"}}
		if b.cursor != "" {
			q.Set("cursor", b.cursor)
		}
		if err := b.at.get(ctx, "/api/books?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		b.begun, b.items, b.cursor = true, page.Items, ""
		if page.NextCursor != nil {
			b.cursor = *page.NextCursor
		}
	}
	c := b.items[0]
	b.items = b.items[1:]
	return c, nil
}

// localBooks goes through the books of a catalog in the same form.
type localBooks struct {
	lib   *calibre.Library
	items []card
	after catalog.Cursor
	begun bool
}

// next returns nil behind the last.
func (b *localBooks) next(ctx context.Context) (card, error) {
	for len(b.items) == 0 {
		if b.begun && b.after == "" {
			return nil, nil
		}
		text, page, err := b.lib.AppendBooks(ctx, []byte{'['}, catalog.Query{Limit: catalog.MaxLimit, After: b.after})
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(append(text, ']'), &b.items); err != nil {
			return nil, err
		}
		b.begun, b.after = true, page.Next
	}
	c := b.items[0]
	b.items = b.items[1:]
	return c, nil
}
