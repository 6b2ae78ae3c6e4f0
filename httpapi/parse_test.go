package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

func testSchema() *schema {
	s := &schema{fields: append(catalog.Builtin(true), catalog.Field{Key: "#mood", Type: catalog.TypeEnumeration, Stored: true, Sortable: true, Searchable: true}), byName: map[string]*catalog.Field{}}
	for i := range s.fields {
		s.byName[string(s.fields[i].Key)] = &s.fields[i]
	}
	return s
}

// deaf is a reader without any role, of which nothing is asked.
type deaf struct{ catalog.Reader }

// isClientFault checks that err is one that the table answers with 4xx.
func isClientFault(t *testing.T, err error) {
	t.Helper()
	var e *statusError
	if !errors.As(err, &e) || e.status < 400 || e.status >= 500 {
		t.Errorf("outside input gives the error %v", err)
	}
}

// FuzzQuery reads any query as that of a page of books: it ends in an
// expression or in an answer that blames the client, and what it decodes is
// what net/url decodes.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=5&sort=-added,title", "tags=a&tags=b%26c&filter=%23mood:dark", "q=a+%22b+c%22", "ids=1,2&uuids=x",
		"published=2020..2024-06&pages=..5", "%zz", "a;b=c", "=&&=", "tags=%ff", "library=main&library=x", "q=%22", "rating=1..",
	} {
		f.Add(q)
	}
	s := testSchema()
	f.Fuzz(func(t *testing.T, raw string) {
		params, err := parseParams(nil, raw)
		if err != nil {
			isClientFault(t, err)
			return
		}
		if ref, err := url.ParseQuery(raw); err == nil { // it refuses semicolons, which are text to us
			got := url.Values{}
			for _, p := range params {
				got.Add(p.name, p.value)
			}
			if !reflect.DeepEqual(got, ref) {
				t.Errorf("%q is %v, net/url says %v", raw, got, ref)
			}
		}
		if err := canonical(params); err != nil {
			isClientFault(t, err)
			return
		}
		if _, err := readBooks(t.Context(), &view{reader: deaf{}, schema: s}, params); err != nil {
			isClientFault(t, err)
		}
	})
}

// FuzzFilter reads any value for each type of field.
func FuzzFilter(f *testing.F) {
	for _, v := range []string{"1..2", "..", "-0", "1e309", "2024", "2024-02-30", "9999-12-31..", "2024-01-01T00:00:00.123456789+14:00", "true", "#mood:x", "é..ß", "0x1p-2", "1_000"} {
		f.Add(v)
	}
	s := testSchema()
	f.Fuzz(func(t *testing.T, value string) {
		for _, key := range []string{"tags", "pages", "rating", "published", "cover", "identifiers", "#mood", "series"} {
			var w where
			if err := w.field(s.byName[key], "query."+key, value); err != nil {
				isClientFault(t, err)
				continue
			}
			switch x := w.expr().(type) {
			case catalog.Between:
				if x.Min == nil && x.Max == nil {
					t.Errorf("%s=%q selects everything", key, value)
				}
			case catalog.During:
				if x.From.IsZero() && x.To.IsZero() {
					t.Errorf("%s=%q selects everything", key, value)
				}
			case nil:
				t.Errorf("%s=%q selects everything", key, value)
			}
		}
	})
}

// FuzzIfNoneMatch reads any header: a tag is found where it stands in a list,
// and never where it does not occur.
func FuzzIfNoneMatch(f *testing.F) {
	const tag = `"abc"`
	for _, v := range []string{tag, "W/" + tag, `"x", "abc"`, "*", `"ab`, `x "abc"`, ",,\t" + tag} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if matches([]string{v}, tag, false) && !strings.Contains(v, tag) {
			t.Errorf("found in %q", v)
		}
	})
}

// TestExplainIsTotal checks that no error leaves the table without a status.
func TestExplainIsTotal(t *testing.T) {
	for _, err := range []error{nil, errors.New("x"), &statusError{status: 404}, catalog.Invalid("sort", "x", "y"), &http.MaxBytesError{}} {
		if e := explain(err); e.status < 400 || http.StatusText(e.status) == "" {
			t.Errorf("%v: status %d", err, e.status)
		}
	}
}

// TestSparing: a client that asks again and again while something is down does not
// fill the log.
func TestSparing(t *testing.T) {
	var s sparing
	now, lines := time.Unix(1_700_000_000, 0), 0
	for range 1000 {
		if s.allow(now) {
			lines++
		}
	}
	if lines != mostFaults || !s.allow(now.Add(time.Minute)) {
		t.Errorf("%d lines in a minute", lines)
	}
}
