package calibre_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// compareList compares with "calibredb list", which speaks in its own way: it
// joins authors, cuts times to seconds, writes "None" for a missing time of a
// custom column and the year 101 for another, leaves out most else that is
// missing, shows the cover that it finds, and counts ratings from 1 to 10.
func compareList(t *testing.T, r catalog.Reader, root string) {
	out := calibretest.CalibreDB(t, root, "list", "--for-machine", "--fields", "all")
	var list []values
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	fields, err := r.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	books := allBooks(t, r)
	if len(list) != len(books) {
		t.Fatalf("calibredb lists %d books of %d", len(list), len(books))
	}
	for i := range books {
		b := &books[i]
		want := list[i]
		delete(want, "template") // needs a template
		for _, f := range fields {
			if !f.Custom {
				continue
			}
			key := "*" + string(f.Key[1:])
			if !f.Stored {
				delete(want, key)
			} else if want[key] == yearUnknown { // set to unknown is not known either
				want[key] = "None"
			}
		}
		compareValues(t, b.ID, "calibredb list", listValues(b, root), want)
	}
}

func listValues(b *catalog.Book, root string) values {
	var authors []string
	for _, a := range b.Authors {
		authors = append(authors, strings.ReplaceAll(a.Name, "&", "&&"))
	}
	files, isbn, size := []string{}, "", int64(0)
	for _, f := range b.Formats {
		files, size = append(files, filepath.ToSlash(root)+"/"+f.Key), max(size, f.Size)
	}
	for _, i := range b.Identifiers {
		if i.Type == "isbn" {
			isbn = i.Value
		}
	}
	v := values{
		"id": b.ID, "title": b.Title, "authors": strings.Join(authors, " & "), "author_sort": b.AuthorSort,
		"tags": names(b.Tags), "languages": names(b.Languages), "identifiers": identifiers(b), "isbn": isbn,
		"formats": files, "series_index": b.SeriesIdx, "timestamp": listTime(b.Added, yearUnknown),
		"pubdate": listTime(b.Published, yearUnknown), "last_modified": listTime(b.Modified, yearUnknown),
	}
	set := func(key string, value any, there bool) {
		if there {
			v[key] = value
		}
	}
	set("uuid", b.UUID, b.UUID != "")
	set("comments", b.Comments, b.Comments != "")
	set("rating", b.Rating*2, b.Rating != 0)
	set("size", size, len(files) > 0)
	cover := filepath.Join(root, filepath.FromSlash(b.Path), "cover.jpg")
	_, err := os.Stat(cover)
	set("cover", filepath.ToSlash(cover), err == nil)
	if b.Series != nil {
		v["series"] = b.Series.Name
	}
	if b.Publisher != nil {
		v["publisher"] = b.Publisher.Name
	}
	for i := range b.Custom {
		c := &b.Custom[i]
		key := "*" + string(c.Key[1:])
		switch c.Type {
		case catalog.TypeText, catalog.TypeEnumeration, catalog.TypeSeries:
			if c.Multiple {
				v[key] = names(c.Items)
			} else if len(c.Items) > 0 {
				v[key] = c.Items[0].Name
			}
		case catalog.TypeInt, catalog.TypeFloat:
			set(key, c.Number, c.Set)
		case catalog.TypeRating:
			set(key, c.Number*2, c.Set)
		case catalog.TypeBool:
			set(key, c.Bool, c.Set)
		case catalog.TypeDatetime:
			v[key] = listTime(c.Time, "None")
		case catalog.TypeComments:
			set(key, c.Text, c.Text != "")
		}
	}
	return v
}

// yearUnknown is how "calibredb list" writes a built-in date that is unknown.
const yearUnknown = "0101-01-01T00:00:00+00:00"

func listTime(t time.Time, unknown string) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}
