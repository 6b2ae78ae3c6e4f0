package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// speaker is an index that understands a small search language: words that
// have to be found, vl:name, field=value, field:true, today:yes for what was
// added on the day that it is, and nothing else.
type speaker struct {
	*index.Index
	views map[string]string
	today *time.Time
}

var _ catalog.Searcher = speaker{}

func (s speaker) Parse(_ context.Context, text string) (catalog.Parsed, error) {
	var p catalog.Parsed
	var all catalog.And
	for word := range strings.FieldsSeq(text) {
		name, value, is := strings.Cut(word, "=")
		field, arg, colon := strings.Cut(word, ":")
		switch {
		case strings.ContainsAny(word, `()"`):
			return p, &catalog.InvalidError{Part: "q", Value: word, Reason: "a sign that means nothing", Expected: "a word", Position: strings.Index(text, word)}
		case is:
			all = append(all, catalog.Is{Field: catalog.FieldKey(name), Value: strings.ReplaceAll(value, "_", " ")})
		case word == "today:yes":
			p.Until = s.today.Add(24 * time.Hour)
			all = append(all, catalog.During{Field: catalog.FieldAdded, From: *s.today, To: p.Until})
		case colon && arg == "true":
			all = append(all, catalog.Has{Field: catalog.FieldKey(field)})
		case colon && field == "vl":
			view, ok := s.views[arg]
			if !ok {
				return p, &catalog.InvalidError{Part: "q", Value: arg, Reason: "no view is called", Expected: "the name of a view", Position: strings.Index(text, word)}
			}
			in, err := s.Parse(context.Background(), view)
			if err != nil {
				return p, err
			}
			all = append(all, in.Expr)
		default:
			p.Words = append(p.Words, word)
			all = append(all, catalog.Match{Text: catalog.Text{Value: word}})
		}
	}
	if all != nil {
		p.Expr = all
	}
	return p, nil
}

func (s speaker) Views(ctx context.Context) ([]catalog.View, error) {
	var out []catalog.View
	for name, text := range s.views {
		v := catalog.View{Kind: catalog.VirtualLibrary, Name: name, Ref: name, Text: text}
		_, v.Problem = s.Parse(ctx, text)
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b catalog.View) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (s speaker) View(ctx context.Context, name string) (catalog.View, error) {
	views, err := s.Views(ctx)
	for _, v := range views {
		if v.Name == name {
			return v, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("view %q: %w", name, catalog.ErrNotFound)
	}
	return catalog.View{}, err
}

// Suggest completes words to tags and titles.
func (s speaker) Suggest(ctx context.Context, q catalog.SuggestQuery) ([]catalog.Suggestion, error) {
	if q.Limit == 0 {
		q.Limit = 10
	}
	terms, err := s.Terms(ctx, catalog.FieldTags, catalog.TermQuery{Prefix: q.Text, Where: q.Where, Limit: q.Limit})
	if err != nil {
		return nil, err
	}
	var out []catalog.Suggestion
	for _, t := range terms.Items {
		text := "tags=" + strings.ReplaceAll(t.Name, " ", "_")
		out = append(out, catalog.Suggestion{Kind: catalog.SuggestValue, Label: t.Name, Text: text, Field: catalog.FieldTags, Count: t.Count})
	}
	title := catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Value: q.Text}}
	page, err := s.Books(ctx, catalog.Query{Where: catalog.And{q.Where, title}, Limit: q.Limit})
	for _, b := range page.Items {
		out = append(out, catalog.Suggestion{Kind: catalog.SuggestTitle, Label: b.Title, Text: b.Title, Book: b.ID})
	}
	return out[:min(len(out), q.Limit)], err
}

// said returns e without Search.
func (s speaker) said(ctx context.Context, e catalog.Expr) (catalog.Expr, error) {
	list := func(in []catalog.Expr) (out []catalog.Expr, err error) {
		for _, e := range in {
			x, bad := s.said(ctx, e)
			if bad != nil {
				err = bad
			}
			out = append(out, x)
		}
		return out, err
	}
	switch e := e.(type) {
	case catalog.And:
		out, err := list(e)
		return catalog.And(out), err
	case catalog.Or:
		out, err := list(e)
		return catalog.Or(out), err
	case catalog.Not:
		x, err := s.said(ctx, e.X)
		return catalog.Not{X: x}, err
	case catalog.Search:
		p, err := s.Parse(ctx, string(e))
		return p.Expr, err
	}
	return e, nil
}

// with calls call with e without Search.
func with[T any](ctx context.Context, s speaker, e catalog.Expr, call func(catalog.Expr) (T, error)) (T, error) {
	e, err := s.said(ctx, e)
	if err != nil {
		var zero T
		return zero, err
	}
	return call(e)
}

func (s speaker) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	return with(ctx, s, q.Where, func(e catalog.Expr) (catalog.Page[catalog.Book], error) {
		q.Where = e
		return s.Index.Books(ctx, q)
	})
}

func (s speaker) AppendBooks(ctx context.Context, dst []byte, q catalog.Query) ([]byte, catalog.Page[catalog.Book], error) {
	e, err := s.said(ctx, q.Where)
	if err != nil {
		return dst, catalog.Page[catalog.Book]{}, err
	}
	q.Where = e
	return s.Index.AppendBooks(ctx, dst, q)
}

func (s speaker) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	return with(ctx, s, q.Where, func(e catalog.Expr) (catalog.Page[catalog.Term], error) {
		q.Where = e
		return s.Index.Terms(ctx, f, q)
	})
}

func (s speaker) Facets(ctx context.Context, where catalog.Expr, fields []catalog.FieldKey, limit int) ([]catalog.Facet, error) {
	return with(ctx, s, where, func(e catalog.Expr) ([]catalog.Facet, error) { return s.Index.Facets(ctx, e, fields, limit) })
}

func (s speaker) Letters(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) ([]catalog.Letter, error) {
	return with(ctx, s, q.Where, func(e catalog.Expr) ([]catalog.Letter, error) {
		q.Where = e
		return s.Index.Letters(ctx, f, q)
	})
}

func (s speaker) Branches(ctx context.Context, f catalog.FieldKey, q catalog.BranchQuery) (catalog.Page[catalog.Branch], error) {
	return with(ctx, s, q.Where, func(e catalog.Expr) (catalog.Page[catalog.Branch], error) {
		q.Where = e
		return s.Index.Branches(ctx, f, q)
	})
}

func (s speaker) Related(ctx context.Context, id catalog.BookID, q catalog.RelatedQuery) (catalog.Related, error) {
	return with(ctx, s, q.Where, func(e catalog.Expr) (catalog.Related, error) {
		q.Where = e
		return s.Index.Related(ctx, id, q)
	})
}
