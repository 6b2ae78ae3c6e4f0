package httpapi

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// keys returns the keys of a JSON object in their order.
func keys(t *testing.T, object []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("not an object: %s", object)
	}
	var list []string
	for d.More() {
		tok, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tok.(string))
	}
	return list
}

// described returns the names that a struct gives its fields in JSON.
func described(v any) []string {
	var list []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if !f.Anonymous {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			list = append(list, name)
		}
	}
	return list
}

// TestShapes holds what is written by hand and what the document describes
// together, in names and order.
func TestShapes(t *testing.T) {
	b := catalog.Book{
		ID: 1, Authors: []catalog.Item{{ID: 1}}, Series: &catalog.Item{ID: 1}, SeriesIdx: 1, Cover: "c",
		Formats: []catalog.Format{{Name: "EPUB"}},
		Custom:  []catalog.Custom{{Key: "#s", Type: catalog.TypeSeries, Items: []catalog.Item{{Name: "s"}}, Index: 5}},
	}
	e := encoder{library: "main"}
	book := e.book(nil, &b, func(s string) string { return s })
	var parts struct {
		Authors []json.RawMessage
		Series  json.RawMessage
		Cover   json.RawMessage
		Formats []json.RawMessage
		Custom  map[string]json.RawMessage
	}
	if err := json.Unmarshal(book, &parts); err != nil {
		t.Fatal(err)
	}
	field := catalog.Builtin(false)[0]
	page := appendPageEnd([]byte(`{"items":[`), "", 0)
	withFacets := append(page[:len(page)-1:len(page)-1], `,"facets":{}}`...)
	for _, c := range []struct {
		got  []byte
		want any
	}{
		{book, bookJSON{}},
		{parts.Authors[0], authorJSON{}},
		{parts.Series, bookSeriesJSON{}},
		{parts.Cover, coverJSON{}},
		{parts.Formats[0], formatJSON{}},
		{parts.Custom["#s"], customJSON{}},
		{appendField(nil, &field), fieldJSON{}},
		{appendTerm(nil, &catalog.Term{}), termJSON{}},
		{withFacets, bookPageJSON{}},
		{appendFacetValue(nil, &catalog.Term{}), facetValueJSON{}},
		{appendSuggestion(nil, &catalog.Suggestion{}), suggestionJSON{}},
		{appendView(nil, &shownView{}), viewJSON{}},
		{page, viewPageJSON{}},
		{appendLetter(nil, &catalog.Letter{}), letterJSON{}},
		{page, letterPageJSON{}},
		{appendBranch(nil, &catalog.Branch{}), branchJSON{}},
		{page, branchPageJSON{}},
		{(&API{}).appendRelated(nil, &view{lib: &library{}}, &catalog.Related{}), relatedJSON{}},
		{page, fieldPageJSON{}},
		{page, termPageJSON{}},
		{appendEvent(nil, &change{source: &source{lib: &library{}}}), eventJSON{}},
	} {
		if got, want := keys(t, c.got), described(c.want); !slices.Equal(got, want) {
			t.Errorf("%T: %v are written, %v described", c.want, got, want)
		}
	}
	card := keys(t, e.book(nil, &b, nil))
	if want := slices.DeleteFunc(described(bookJSON{}), func(s string) bool { return s == "comments_html" }); !slices.Equal(card, want) {
		t.Errorf("cards have %v, want %v", card, want)
	}
}

// FuzzString compares the string encoder with encoding/json's.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "The Tide Clerk", `"\` + "\x00\x1f\n\r\t\x7f", "é\u2028<&>😀", "\xff\xc3\xe2\x82", "\uFFFD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q is written as %s: %v", s, appendString(nil, s), err)
		}
		ref, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(ref, &want); err != nil || got != want {
			t.Errorf("%q became %q, with encoding/json %q", s, got, want)
		}
	})
}

func TestCustom(t *testing.T) {
	day := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		custom catalog.Custom
		want   string
	}{
		{catalog.Custom{Type: catalog.TypeText, Multiple: true, Items: []catalog.Item{{Name: "Quiet"}, {Name: "Sea"}}}, `"multiple":true,"value":["Quiet","Sea"]}`},
		{catalog.Custom{Type: catalog.TypeText, Multiple: true}, `"multiple":true,"value":[]}`},
		{catalog.Custom{Type: catalog.TypeText, Items: []catalog.Item{{Name: "x"}}}, `"multiple":false,"value":"x"}`},
		{catalog.Custom{Type: catalog.TypeSeries, Items: []catalog.Item{{Name: "Slow Year"}}, Index: 5}, `"multiple":false,"value":"Slow Year","index":5.0}`},
		{catalog.Custom{Type: catalog.TypeSeries}, `"multiple":false,"value":null,"index":null}`},
		{catalog.Custom{Type: catalog.TypeInt, Number: 12, Set: true}, `"multiple":false,"value":12}`},
		{catalog.Custom{Type: catalog.TypeInt}, `"multiple":false,"value":null}`},
		{catalog.Custom{Type: catalog.TypeFloat, Number: 1e21, Set: true}, `"multiple":false,"value":1000000000000000000000.0}`},
		{catalog.Custom{Type: catalog.TypeFloat, Number: math.Inf(1), Set: true}, `"multiple":false,"value":null}`},
		{catalog.Custom{Type: catalog.TypeRating, Number: 3.5, Set: true}, `"multiple":false,"value":3.5}`},
		{catalog.Custom{Type: catalog.TypeBool, Bool: true, Set: true}, `"multiple":false,"value":true}`},
		{catalog.Custom{Type: catalog.TypeDatetime, Time: day}, `"multiple":false,"value":"2024-05-06T06:08:09Z"}`},
	} {
		c.custom.Key = "#x"
		want := `"#x":{"type":"` + string(c.custom.Type) + `",` + c.want
		if got := string(appendCustom(nil, &c.custom, nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
