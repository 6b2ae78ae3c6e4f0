package search

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// defaultSuggestions is what a SuggestQuery without Limit asks for.
const defaultSuggestions = 10

// typed is what somebody is typing at the end of a text.
type typed struct {
	before string // what stands before it
	field  string // the location, empty if there is none
	value  string
}

// typing finds what somebody is typing; ok is false if that is nothing.
func (l *Language) typing(text string) (t typed, ok bool) {
	if len(text) > maxText {
		return t, false
	}
	runes := []rune(text)
	tokens, open := lex(text)
	var last token
	if len(tokens) > 0 {
		last = tokens[len(tokens)-1]
	}
	name, value, found := strings.Cut(last.text, ":")
	field := last.kind == wordToken && found && l.isLocation(lower(name))
	at := open
	switch a := atoms(text); {
	case open >= 0:
		t.value = unescape(string(runes[open+1:]))
		if field && !strings.Contains(value, ":") {
			t.field, at = lower(name), last.at
		}
	case last.text == "" || last.kind != wordToken || !a[len(a)-1].isWord():
		return t, false
	case field:
		t.field, t.value, at = lower(name), value, last.at
	default:
		t.value, at = last.text, last.at
	}
	t.before = string(runes[:at])
	return t, true
}

// unescape resolves escapes.
func unescape(text string) string {
	var b strings.Builder
	for _, a := range atoms(text) {
		b.WriteRune(a.r)
	}
	return b.String()
}

// suggester collects suggestions of one kind each from several sources.
type suggester struct {
	ctx   context.Context
	r     *Reader
	where catalog.Expr
	typed
	limit int
	lists [][]catalog.Suggestion
}

// Suggest implements catalog.Searcher. After a field it suggests values of the
// field; else names of fields, authors, series, tags, titles and views that
// begin with the last word. Only values of books that q.Where selects are
// suggested, and all views.
func (r *Reader) Suggest(ctx context.Context, q catalog.SuggestQuery) ([]catalog.Suggestion, error) {
	if q.Limit < 0 || q.Limit > catalog.MaxLimit {
		return nil, catalog.Invalid("limit", strconv.Itoa(q.Limit), "a number from 1 to 500 was expected, not")
	}
	where, err := r.meaning(ctx, q.Where)
	if err != nil {
		return nil, err
	}
	s := suggester{ctx: ctx, r: r, where: where, limit: q.Limit}
	if s.limit == 0 {
		s.limit = defaultSuggestions
	}
	var ok bool
	if s.typed, ok = r.l.typing(q.Text); !ok {
		return []catalog.Suggestion{}, nil
	}
	if s.field != "" {
		s.value = strings.TrimPrefix(s.value, "=")
		err = s.values(s.field, r.l.locations[s.field])
	} else if !isBlank(s.value) {
		err = s.anything()
	}
	if err != nil {
		return nil, err
	}
	return s.best(), nil
}

// best returns suggestions of all sources, of each the first ones.
func (s *suggester) best() []catalog.Suggestion {
	take, left := make([]int, len(s.lists)), s.limit
	for more := true; more && left > 0; {
		more = false
		for i := range s.lists {
			if left > 0 && take[i] < len(s.lists[i]) {
				take[i]++
				left--
				more = true
			}
		}
	}
	out := []catalog.Suggestion{}
	for i := range s.lists {
		out = append(out, s.lists[i][:take[i]]...)
	}
	return out
}

func (s *suggester) anything() error {
	s.fields()
	for _, name := range [...]string{"authors", "series", "tags"} {
		if loc, ok := s.r.l.locations[name]; ok {
			if err := s.terms(name, loc); err != nil {
				return err
			}
		}
	}
	if err := s.titles("title"); err != nil {
		return err
	}
	s.views("")
	return nil
}

// values suggests values of a field.
func (s *suggester) values(name string, loc location) error {
	switch {
	case loc.role == virtualLibrary:
		s.views(catalog.VirtualLibrary)
	case loc.role == savedSearch:
		s.views(catalog.SavedSearch)
	case loc.role == group:
		for _, field := range s.r.l.groups[loc.name] {
			if m, ok := s.r.l.member(field); ok && m.role != group && m.terms {
				if err := s.terms(name, m); err != nil {
					return err
				}
			}
		}
	case loc.field == catalog.FieldTitle && loc.role == textual:
		return s.titles(name)
	case loc.role == languageCodes:
		return s.languages(name)
	case loc.terms && loc.role != isbn:
		return s.terms(name, loc)
	}
	return nil
}

// terms suggests the values of a field that begin with what is typed.
func (s *suggester) terms(name string, loc location) error {
	page, err := s.r.r.Terms(s.ctx, loc.field, catalog.TermQuery{Prefix: s.value, ByCount: true, Where: s.where, Limit: s.limit})
	if err != nil {
		return err
	}
	var list []catalog.Suggestion
	for i := range page.Items {
		list = append(list, s.term(name, loc, &page.Items[i]))
	}
	s.lists = append(s.lists, list)
	return nil
}

func (s *suggester) term(name string, loc location, t *catalog.Term) catalog.Suggestion {
	value := "=" + t.Name
	if loc.role == identifiers {
		value += ":" // of this type
	}
	return catalog.Suggestion{
		Kind: catalog.SuggestValue, Label: t.Name, Text: s.before + Term{Field: name, Value: value}.String(),
		Field: loc.field, Count: t.Count,
	}
}

// languages suggests languages whose codes or English names begin with what is
// typed.
func (s *suggester) languages(name string) error {
	loc := s.r.l.locations[name]
	codes := languagesNamed(lower(s.value))
	page, err := s.r.r.Terms(s.ctx, loc.field, catalog.TermQuery{ByCount: true, Where: s.where, Limit: catalog.MaxLimit})
	if err != nil {
		return err
	}
	var list []catalog.Suggestion
	for i := range page.Items {
		t := &page.Items[i]
		if len(list) < s.limit && (strings.HasPrefix(t.Name, lower(s.value)) || slices.Contains(codes, t.Name)) {
			list = append(list, s.term(name, loc, t))
		}
	}
	s.lists = append(s.lists, list)
	return nil
}

// titles suggests books with what is typed in their title.
func (s *suggester) titles(name string) error {
	where := catalog.And{catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Value: s.value}}}
	if s.where != nil {
		where = append(where, s.where)
	}
	q := catalog.Query{Where: where, Limit: s.limit, Words: []string{s.value}, Sort: []catalog.SortKey{{Field: catalog.FieldRelevance}}}
	page, err := s.r.r.Books(s.ctx, q)
	if err != nil {
		return err
	}
	var list []catalog.Suggestion
	for i := range page.Items {
		b := &page.Items[i]
		list = append(list, catalog.Suggestion{
			Kind: catalog.SuggestTitle, Label: b.Title, Book: b.ID, Text: s.before + Term{Field: name, Value: "=" + b.Title}.String(),
		})
	}
	s.lists = append(s.lists, list)
	return nil
}

// fields suggests names that may stand before a colon.
func (s *suggester) fields() {
	var list []catalog.Suggestion
	for _, name := range s.r.l.fieldNames() {
		if strings.HasPrefix(name, lower(s.value)) || strings.HasPrefix(name, "#"+lower(s.value)) {
			list = append(list, catalog.Suggestion{Kind: catalog.SuggestField, Label: name + ":", Text: s.before + writtenName(name) + ":"})
		}
	}
	s.lists = append(s.lists, list)
}

// fieldNames returns the locations that are worth a suggestion, each by one
// name, in order.
func (l *Language) fieldNames() []string {
	var names []string
	for name, loc := range l.locations {
		switch loc.role {
		case everywhere, emptyText, noValues, composite, template, category:
			continue
		}
		switch name {
		case "author", "tag", "format", "comment", "language", "identifier": // of what there are several
			continue
		}
		if name[0] != '@' {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// views suggests views of a kind, or of any.
func (s *suggester) views(kind catalog.ViewKind) {
	var list []catalog.Suggestion
	for _, v := range s.r.l.views() {
		if kind != "" && v.Kind != kind || !hasWord(v.Name, strings.TrimPrefix(s.value, "@")) {
			continue
		}
		text := v.Text // of a user category
		switch v.Kind {
		case catalog.VirtualLibrary:
			text = Term{Field: "vl", Value: v.Name}.String()
		case catalog.SavedSearch:
			text = Term{Field: "search", Value: "=" + v.Name}.String()
		}
		list = append(list, catalog.Suggestion{Kind: catalog.SuggestView, Label: v.Name, Text: s.before + text})
	}
	s.lists = append(s.lists, list)
}

// hasWord reports whether a name or one of its words begins with a text.
func hasWord(name, text string) bool {
	name, text = lower(name), lower(text)
	for {
		if strings.HasPrefix(name, text) {
			return true
		}
		space := strings.IndexByte(name, ' ')
		if space < 0 {
			return false
		}
		name = name[space+1:]
	}
}
