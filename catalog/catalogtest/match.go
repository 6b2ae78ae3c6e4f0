package catalogtest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// verdict is what a look at a book says about whether an expression selects
// it. How text that is not plain is compared is the reader's to know.
type verdict int

const (
	no verdict = iota
	yes
	unknown
)

// judge holds what an expression selects against what a look at every book
// says.
func (s *suite) judge(t *testing.T, where catalog.Expr, keep func(*catalog.Book) verdict) {
	t.Helper()
	got := s.selected(t, where)
	for i := range s.all {
		b := &s.all[i]
		_, in := slices.BinarySearch(got, b.ID)
		if v := keep(b); v != unknown && in != (v == yes) {
			t.Errorf("%#v: book %d, %q, selected: %v", where, b.ID, b.Title, in)
		}
	}
}

// textKeys returns the fields in which text can be looked for.
func (s *suite) textKeys() []catalog.FieldKey {
	out := []catalog.FieldKey{catalog.FieldSeriesSort}
	for _, f := range s.fields {
		switch f.Type {
		case catalog.TypeText, catalog.TypeSeries, catalog.TypeEnumeration, catalog.TypeComments, catalog.TypeIdentifiers:
			if f.Searchable {
				out = append(out, f.Key)
			}
		}
	}
	return out
}

// texts returns a book's values in a field of text.
func texts(b *catalog.Book, f catalog.FieldKey) []string {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	switch f {
	case catalog.FieldUUID:
		return one(b.UUID)
	case catalog.FieldTitle:
		return one(b.Title)
	case catalog.FieldTitleSort:
		return one(b.TitleSort)
	case catalog.FieldAuthorSort:
		return one(b.AuthorSort)
	case catalog.FieldComments:
		return one(b.Comments)
	case catalog.FieldSeriesSort:
		if b.Series == nil {
			return nil
		}
		return one(b.Series.Sort)
	}
	for _, c := range b.Custom {
		if c.Key == f && c.Type == catalog.TypeComments {
			return one(c.Text)
		}
	}
	return names(b, f)
}

// plain tells whether it is beyond doubt how s is compared: it is made of
// ASCII letters and digits, blanks, punctuation that does not count in
// Anywhere, and signs that do.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(" ,.-'/:&!?<>+=", r)
	})
}

// bare returns plain text without what does not count in Anywhere.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,.-'/:&!?", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// matching returns what plain values plain text matches.
func matching(x catalog.Text) func(value string) bool {
	text := strings.ToLower(x.Value)
	loose := bare(text)
	var re *regexp.Regexp
	if x.Kind == catalog.Pattern {
		re = regexp.MustCompile("(?i)" + x.Value)
	}
	return func(value string) bool {
		low := strings.ToLower(value)
		switch x.Kind {
		case catalog.Anywhere:
			return value != "" && strings.Contains(bare(value), loose)
		case catalog.Punctuated:
			return strings.Contains(low, text)
		case catalog.Whole:
			return low == text
		case catalog.Below:
			return low == text || strings.HasPrefix(low, text+".")
		case catalog.Level:
			return slices.ContainsFunc(strings.Split(low, "."), func(l string) bool { return strings.TrimSpace(l) == text })
		case catalog.Pattern:
			return re.MatchString(value)
		}
		return false
	}
}

// among says whether plain text matches one of the values.
func among(matches func(string) bool, values []string) verdict {
	v := no
	for _, s := range values {
		switch {
		case !plain(s):
			v = unknown
		case matches(s):
			return yes
		}
	}
	return v
}

// samples returns some plain values of a field, those in levels first.
func (s *suite) samples(f catalog.FieldKey, n int) []string {
	var out []string
	for _, dots := range []bool{true, false} {
		for i := range s.all {
			for _, v := range texts(&s.all[i], f) {
				if len(out) < n && strings.Contains(v, ".") == dots && len(v) > 2 && len(v) < 60 && plain(v) && !slices.Contains(out, v) {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// questions returns text to look for that is made of a value.
func questions(v string) []catalog.Text {
	middle := v[1 : len(v)-1]
	half := len(v) / 2
	out := []catalog.Text{
		{Kind: catalog.Anywhere, Value: strings.ToUpper(v)},
		{Kind: catalog.Anywhere, Value: v[:half] + " -, " + v[half:]},
		{Kind: catalog.Anywhere, Value: middle},
		{Kind: catalog.Punctuated, Value: strings.ToUpper(v)},
		{Kind: catalog.Punctuated, Value: middle},
		{Kind: catalog.Punctuated, Value: v[:half] + "," + v[half:]},
		{Kind: catalog.Whole, Value: strings.ToUpper(v)},
		{Kind: catalog.Whole, Value: v[:half]},
		{Kind: catalog.Below, Value: strings.ToUpper(v)},
		{Kind: catalog.Pattern, Value: "^" + regexp.QuoteMeta(v) + "$"},
		{Kind: catalog.Pattern, Value: regexp.QuoteMeta(v[:1]) + "." + regexp.QuoteMeta(v[2:])},
		{Kind: catalog.Pattern, Value: `\b` + regexp.QuoteMeta(v[:half]) + `[\w ]*$`},
		{Kind: catalog.Pattern, Value: strings.ToUpper("["+bare(v[:1])+"q]") + `\w\s`},
	}
	for i, c := range v {
		if c == '.' {
			out = append(out, catalog.Text{Kind: catalog.Below, Value: v[:i]})
		}
	}
	for l := range strings.SplitSeq(v, ".") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, catalog.Text{Kind: catalog.Level, Value: strings.ToUpper(l)})
		}
	}
	return slices.DeleteFunc(out, func(x catalog.Text) bool {
		switch x.Kind {
		case catalog.Anywhere:
			return false
		case catalog.Pattern:
			_, err := regexp.Compile(x.Value)
			return err != nil
		}
		return strings.TrimSpace(x.Value) == ""
	})
}

// matchText looks for text of every kind in every field.
func (s *suite) matchText(t *testing.T) {
	for _, f := range s.textKeys() {
		for _, v := range s.samples(f, 4) {
			for _, x := range questions(v) {
				matches := matching(x)
				s.judge(t, catalog.Match{Field: f, Text: x}, func(b *catalog.Book) verdict { return among(matches, texts(b, f)) })
			}
		}
		s.judge(t, catalog.Match{Field: f, Text: catalog.Text{Value: " .-"}}, func(b *catalog.Book) verdict {
			switch values := texts(b, f); {
			case len(values) == 0:
				return no
			case slices.ContainsFunc(values, plain):
				return yes
			}
			return unknown
		})
	}
	for _, e := range []catalog.Expr{
		catalog.Match{Field: catalog.FieldAdded, Text: catalog.Text{Value: "2"}},
		catalog.Match{Field: catalog.FieldRelevance, Text: catalog.Text{Value: "2"}},
		catalog.Is{Field: catalog.FieldSeriesSort, Value: "x"},
		catalog.Has{Field: catalog.FieldSeriesSort},
		catalog.Has{Field: catalog.FieldRelevance},
	} {
		_, err := s.r.Books(s.ctx, catalog.Query{Where: e})
		s.invalid(t, err, "filter")
	}
	_, err := s.r.Books(s.ctx, catalog.Query{Where: catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Kind: catalog.Pattern, Value: "("}}})
	s.invalid(t, err, "")
}

// matchAnyField looks for text without saying where.
func (s *suite) matchAnyField(t *testing.T) {
	fields := slices.DeleteFunc(s.textKeys(), func(f catalog.FieldKey) bool {
		return f == catalog.FieldUUID || f == catalog.FieldLanguages || f == catalog.FieldSeriesSort
	})
	values := map[catalog.BookID][]string{}
	for i := range s.all {
		b := &s.all[i]
		for _, f := range fields {
			values[b.ID] = append(values[b.ID], texts(b, f)...)
		}
	}
	for i, f := range fields {
		for _, v := range s.samples(f, 1) {
			for k, x := range questions(v) {
				if len(s.all) > 200 && (i+k)%3 > 0 {
					continue // a look at so many books takes long
				}
				matches := matching(x)
				s.judge(t, catalog.Match{Text: x}, func(b *catalog.Book) verdict { return among(matches, values[b.ID]) })
			}
		}
	}
}

// matchIdentifier looks for identifiers of which both parts match.
func (s *suite) matchIdentifier(t *testing.T) {
	var seen []catalog.Identifier
	for i := range s.all {
		for _, id := range s.all[i].Identifiers {
			if len(seen) < 6 && plain(id.Type) && plain(id.Value) && id.Type != "" && id.Value != "" && !slices.Contains(seen, id) {
				seen = append(seen, id)
			}
		}
	}
	for _, a := range seen {
		for _, b := range seen {
			for _, e := range []catalog.MatchIdentifier{
				{Type: catalog.Text{Kind: catalog.Whole, Value: strings.ToUpper(a.Type)}, Value: catalog.Text{Kind: catalog.Whole, Value: b.Value}},
				{Type: catalog.Text{Kind: catalog.Whole, Value: a.Type}, Value: catalog.Text{Value: b.Value[:1]}},
				{Type: catalog.Text{Value: a.Type[1:]}, Value: catalog.Text{Kind: catalog.Pattern, Value: "^" + regexp.QuoteMeta(b.Value[:1])}},
				{Type: catalog.Text{Kind: catalog.Punctuated, Value: a.Type}},
				{Value: catalog.Text{Kind: catalog.Punctuated, Value: b.Value}},
				{},
			} {
				kind, value := matching(e.Type), matching(e.Value)
				s.judge(t, e, func(book *catalog.Book) verdict {
					v := no
					for _, id := range book.Identifiers {
						switch {
						case !plain(id.Type) || !plain(id.Value):
							v = unknown
						case (e.Type.Value == "" || kind(id.Type)) && (e.Value.Value == "" || value(id.Value)):
							return yes
						}
					}
					return v
				})
			}
		}
	}
}
