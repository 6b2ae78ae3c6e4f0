package calibre_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

//go:embed testdata/parity.py
var parityScript string

// asked is what Calibre answers to testdata/parity.py.
type asked struct {
	Library     string
	Fields      map[string]calibreField
	Custom      []string
	Books       map[catalog.BookID]values
	Metadata    map[catalog.BookID]values
	Preferences map[string]any
}

// values are a book's fields in the form in which both sides can be compared:
// what encoding/json makes of them.
type values map[string]any

type calibreField struct {
	Name, Datatype   string
	Multiple, Custom bool
	Values, Terms    []string
	Display          map[string]any
}

func askCalibre(t *testing.T, d *calibretest.Driver) asked {
	t.Helper()
	var a asked
	if err := d.Eval(&a, parityScript); err != nil {
		t.Fatal(err)
	}
	if len(a.Books) == 0 || len(a.Books) != len(a.Metadata) {
		t.Fatalf("Calibre shows %d and %d books", len(a.Books), len(a.Metadata))
	}
	return a
}

// openLibrary loads the library in a folder.
func openLibrary(t *testing.T, root string) *calibre.Library {
	t.Helper()
	lib, err := calibre.Open(calibre.Options{Root: root, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lib.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := lib.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lib
}

// allBooks returns every book that r has, with comments.
func allBooks(t *testing.T, r catalog.Reader) []catalog.Book {
	t.Helper()
	page, err := r.Books(context.Background(), catalog.Query{Limit: catalog.MaxLimit, Comments: true})
	if err != nil {
		t.Fatal(err)
	}
	if page.Next != "" || page.Total != len(page.Items) {
		t.Fatalf("%d of %d books on one page", len(page.Items), page.Total)
	}
	return page.Items
}

// TestParity compares every field of every book with what Calibre itself says.
func TestParity(t *testing.T) {
	calibretest.RequireCalibre(t)
	for name, make := range map[string]func(testing.TB) string{"sample": calibretest.Sample, "second": calibretest.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := make(t)
			driver := calibretest.NewDriver(t, root)
			want := askCalibre(t, driver)
			t.Run("as it is", func(t *testing.T) {
				lib := openLibrary(t, root)
				compareBooks(t, lib, want)
				compareFields(t, lib, want)
				comparePreferences(t, lib, want)
			})
			if err := driver.Close(); err != nil {
				t.Fatal(err)
			}
			t.Run("calibredb list", func(t *testing.T) { compareList(t, openLibrary(t, root), root) })
			for _, version := range []int{27, 26, 23, 20} {
				t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
					// Calibre 6.13 would upgrade the old and refuse the new, but what
					// is there reads as before. Going down loses what the old lack.
					if err := calibretest.SetVersion(filepath.Join(root, "metadata.db"), version); err != nil {
						t.Fatal(err)
					}
					want := want
					if version == 20 {
						want = withoutLinks(want)
					}
					lib := openLibrary(t, root)
					compareBooks(t, lib, want)
					compareFields(t, lib, want)
					comparePreferences(t, lib, want)
				})
			}
		})
	}
}

// withoutLinks is what a library says whose authors have no links (schema 20).
func withoutLinks(a asked) asked {
	for _, book := range a.Books {
		for _, author := range book["authors"].([]any) {
			author.([]any)[3] = ""
		}
	}
	for _, book := range a.Metadata {
		for name := range book["author_links"].(map[string]any) {
			book["author_links"].(map[string]any)[name] = ""
		}
	}
	return a
}

func compareBooks(t *testing.T, r catalog.Reader, want asked) {
	t.Helper()
	books := allBooks(t, r)
	if len(books) != len(want.Books) {
		t.Errorf("%d books, Calibre has %d", len(books), len(want.Books))
	}
	for i := range books {
		b := &books[i]
		compareValues(t, b.ID, "field_for", fieldValues(b), want.Books[b.ID])
		compareValues(t, b.ID, "get_metadata", metadataValues(b), want.Metadata[b.ID])
	}
	revision, err := r.Revision(t.Context())
	if err != nil || revision.Library != want.Library {
		t.Errorf("library %q (%v), Calibre's is %q", revision.Library, err, want.Library)
	}
}

// compareValues compares a book value by value; the same keys must be there.
func compareValues(t *testing.T, id catalog.BookID, source string, got, want values) {
	t.Helper()
	got = plain(t, got)
	keys := map[string]bool{}
	for k := range got {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	for k := range keys {
		g, inGot := got[k]
		w, inWant := want[k]
		if inGot != inWant || !reflect.DeepEqual(g, w) {
			t.Errorf("book %d: %s: %s\n     is %.300q\nshould be %.300q", id, source, k, fmt.Sprint(g), fmt.Sprint(w))
		}
	}
}

// plain is what encoding/json makes of v.
func plain(t *testing.T, v values) (p values) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fieldValues is by_field of testdata/parity.py.
func fieldValues(b *catalog.Book) values {
	v := values{
		"uuid": b.UUID, "title": b.Title, "title_sort": b.TitleSort, "author_sort": b.AuthorSort,
		"series": idAndName(b.Series), "series_index": b.SeriesIdx, "publisher": idAndName(b.Publisher),
		"languages": names(b.Languages), "rating": orNil(b.Rating, b.Rating != 0), "identifiers": identifiers(b),
		"published": seconds(b.Published), "added": seconds(b.Added), "modified": seconds(b.Modified),
		"published_stored": micros(b.Published), "added_stored": micros(b.Added), "modified_stored": micros(b.Modified),
		"comments": b.Comments, "path": b.Path, "has_cover": b.Cover != "", "cover": orNil(b.Cover, b.Cover != ""),
	}
	authors, tags, formats := [][]any{}, [][]any{}, map[string]any{}
	for _, a := range b.Authors {
		authors = append(authors, []any{a.ID, a.Name, a.Sort, a.Link})
	}
	for _, tag := range b.Tags {
		tags = append(tags, []any{tag.ID, tag.Name})
	}
	var size int64
	for _, f := range b.Formats {
		formats[f.Name] = []any{f.Key, f.Size}
		size = max(size, f.Size)
	}
	v["authors"], v["tags"], v["formats"], v["size"] = authors, tags, formats, size
	addCustom(v, b)
	return v
}

// metadataValues is by_metadata of testdata/parity.py.
func metadataValues(b *catalog.Book) values {
	sorts, links, formats := map[string]string{}, map[string]string{}, []string{}
	for _, a := range b.Authors {
		sorts[a.Name], links[a.Name] = a.Sort, a.Link
	}
	for _, f := range b.Formats {
		formats = append(formats, f.Name)
	}
	v := values{
		"uuid": b.UUID, "title": b.Title, "title_sort": b.TitleSort, "author_sort": b.AuthorSort,
		"author_names": names(b.Authors), "author_sorts": sorts, "author_links": links, "series": nil, "series_index": nil,
		"tags": names(b.Tags), "publisher": nil, "languages": names(b.Languages), "rating": orNil(b.Rating, b.Rating != 0),
		"identifiers": identifiers(b), "published": seconds(b.Published), "added": seconds(b.Added),
		"modified": seconds(b.Modified), "comments": b.Comments, "formats": formats, "has_cover": b.Cover != "",
	}
	if b.Series != nil {
		v["series"], v["series_index"] = b.Series.Name, b.SeriesIdx
	}
	if b.Publisher != nil {
		v["publisher"] = b.Publisher.Name
	}
	addCustom(v, b)
	return v
}

func addCustom(v values, b *catalog.Book) {
	for i := range b.Custom {
		c := &b.Custom[i]
		var value any
		switch c.Type {
		case catalog.TypeText, catalog.TypeEnumeration:
			if c.Multiple {
				value = names(c.Items)
			} else if len(c.Items) > 0 {
				value = c.Items[0].Name
			}
		case catalog.TypeSeries:
			if len(c.Items) > 0 {
				value = []any{c.Items[0].Name, c.Index}
			}
		case catalog.TypeInt, catalog.TypeFloat, catalog.TypeRating:
			value = orNil(c.Number, c.Set)
		case catalog.TypeBool:
			value = orNil(c.Bool, c.Set)
		case catalog.TypeDatetime:
			value = seconds(c.Time)
		case catalog.TypeComments:
			value = orNil(c.Text, c.Text != "")
		}
		v[string(c.Key)] = value
	}
}

func orNil[T any](v T, there bool) any {
	if !there {
		return nil
	}
	return v
}

func seconds(t time.Time) any { return orNil(t.UTC().Format("2006-01-02T15:04:05Z"), !t.IsZero()) }
func micros(t time.Time) any {
	return orNil(t.UTC().Format("2006-01-02T15:04:05.000000Z"), !t.IsZero())
}

func names(items []catalog.Item) []string {
	names := []string{}
	for _, i := range items {
		names = append(names, i.Name)
	}
	return names
}

func idAndName(i *catalog.Item) any {
	if i == nil {
		return nil
	}
	return []any{i.ID, i.Name}
}

func identifiers(b *catalog.Book) map[string]string {
	m := map[string]string{}
	for _, i := range b.Identifiers {
		m[i.Type] = i.Value
	}
	return m
}

// calibreKeys are the keys of built-in fields that Calibre names otherwise, and
// the types that differ: Calibre has no type of its own for identifiers, nor for
// its own comments, takes the size for a number of megabytes, and a cover for a
// number.
var calibreKeys = map[catalog.FieldKey]struct{ key, datatype string }{
	catalog.FieldPublished: {"pubdate", "datetime"}, catalog.FieldAdded: {"timestamp", "datetime"},
	catalog.FieldModified: {"last_modified", "datetime"}, catalog.FieldTitleSort: {"sort", "text"},
	catalog.FieldIdentifiers: {"identifiers", "text"},
	catalog.FieldComments:    {"comments", "text"}, catalog.FieldSize: {"size", "float"}, catalog.FieldCover: {"cover", "int"},
}

func compareFields(t *testing.T, r catalog.Reader, want asked) {
	t.Helper()
	fields, err := r.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var custom []string
	for _, f := range fields {
		key, datatype := string(f.Key), string(f.Type)
		if other, ok := calibreKeys[f.Key]; ok {
			key, datatype = other.key, other.datatype
		}
		if f.Key == catalog.FieldPages {
			continue // a schema that this Calibre does not know
		}
		w, ok := want.Fields[key]
		if !ok || w.Datatype != datatype || w.Multiple != f.Multiple || w.Custom != f.Custom {
			t.Errorf("field %s: %+v, Calibre's is %+v (%v)", f.Key, f, w, ok)
		}
		for _, term := range w.Terms {
			if term == "isbn" { // a word of Calibre's search for identifiers:isbn:
				continue
			}
			if term != string(f.Key) && !slices.Contains(f.Aliases, catalog.FieldKey(term)) {
				t.Errorf("field %s: Calibre searches it as %s", f.Key, term)
			}
		}
		if !f.Custom {
			continue
		}
		custom = append(custom, key)
		var display map[string]any
		if err := json.Unmarshal([]byte(f.Display), &display); err != nil {
			t.Errorf("field %s: display: %v", f.Key, err)
		}
		if w.Name != f.Name || !slices.Equal(w.Values, f.Values) || !reflect.DeepEqual(w.Display, display) {
			t.Errorf("field %s: %+v, Calibre's is %+v", f.Key, f, w)
		}
		if f.Stored != (f.Type != catalog.TypeComposite) {
			t.Errorf("field %s: stored is %v", f.Key, f.Stored)
		}
	}
	if !slices.Equal(custom, want.Custom) {
		t.Errorf("custom columns %v, Calibre has %v", custom, want.Custom)
	}
}

func comparePreferences(t *testing.T, lib *calibre.Library, want asked) {
	t.Helper()
	for key, w := range want.Preferences {
		var got any
		if raw := lib.Preference(key); raw != nil {
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Errorf("preference %s: %v", key, err)
			}
		}
		if empty := reflect.ValueOf(w); got == nil && (w == nil || empty.Len() == 0) {
			continue // Calibre shows its default where the library holds none
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("preference %s: %v, Calibre has %v", key, got, w)
		}
	}
}
