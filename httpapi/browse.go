package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// browser returns who knows what a selection is made of.
func (v *view) browser() (catalog.Browser, error) {
	b, ok := catalog.As[catalog.Browser](v.reader)
	if !ok {
		return nil, &statusError{status: http.StatusNotImplemented, detail: "The catalog of this library cannot be browsed so."}
	}
	return b, nil
}

// planLetters plans the first letters of a field's terms.
func (a *API) planLetters(r *http.Request, v *view, params []param) (render, error) {
	f, err := v.termField(r, "")
	if err != nil {
		return nil, err
	}
	var (
		q catalog.TermQuery
		w where
	)
	for i := range params {
		if p := &params[i]; p.name == "prefix" {
			q.Prefix = p.value
		} else if err := w.param(r.Context(), v, p); err != nil {
			return nil, err
		}
	}
	q.Where = w.expr()
	b, err := v.browser()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		letters, err := b.Letters(ctx, f.Key, q)
		if err != nil {
			return dst, err
		}
		dst = append(dst, `{"items":[`...)
		for i := range letters {
			dst = comma(dst, i)
			dst = appendLetter(dst, &letters[i])
		}
		return appendPageEnd(dst, "", len(letters)), nil
	}, nil
}

func appendLetter(dst []byte, l *catalog.Letter) []byte {
	dst = append(dst, `{"letter":`...)
	dst = appendString(dst, l.Letter)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(l.Count), 10)
	dst = append(dst, `,"cursor":`...)
	dst = appendOptional(dst, string(l.After))
	return append(dst, '}')
}

// planTree plans a page of the levels below a level of a hierarchy.
func (a *API) planTree(r *http.Request, v *view, params []param) (render, error) {
	f, err := v.termField(r, "")
	if err != nil {
		return nil, err
	}
	if !f.Hierarchical {
		return nil, invalid("path.field", r.PathValue("field"), "the library has no hierarchy of")
	}
	var (
		q catalog.BranchQuery
		w where
	)
	for i := range params {
		p := &params[i]
		switch p.name {
		case "parent":
			q.Parent = p.value
		case "limit":
			q.Limit, err = parseLimit(p.value)
		case "cursor":
			q.After = catalog.Cursor(p.value)
		default:
			err = w.param(r.Context(), v, p)
		}
		if err != nil {
			return nil, err
		}
	}
	q.Where = w.expr()
	b, err := v.browser()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		page, err := b.Branches(ctx, f.Key, q)
		if err != nil {
			return dst, err
		}
		dst = append(dst, `{"items":[`...)
		for i := range page.Items {
			dst = comma(dst, i)
			dst = appendBranch(dst, &page.Items[i])
		}
		return appendPageEnd(dst, page.Next, page.Total), nil
	}, nil
}

func appendBranch(dst []byte, b *catalog.Branch) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendString(dst, b.Name)
	dst = append(dst, `,"value":`...)
	dst = appendString(dst, b.Value)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(b.Count), 10)
	dst = append(dst, `,"own":`...)
	dst = strconv.AppendInt(dst, int64(b.Own), 10)
	dst = append(dst, `,"more":`...)
	dst = appendBool(dst, b.More)
	return append(dst, '}')
}
