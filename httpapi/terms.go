package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// planFields plans the list of fields.
func (a *API) planFields(_ *http.Request, v *view, params []param) (render, error) {
	if len(params) > 0 {
		return nil, unknown(params[0])
	}
	return func(_ context.Context, dst []byte) ([]byte, error) {
		dst = append(dst, `{"items":[`...)
		for i := range v.schema.fields {
			dst = comma(dst, i)
			dst = appendField(dst, &v.schema.fields[i])
		}
		return appendPageEnd(dst, "", len(v.schema.fields)), nil
	}, nil
}

func appendField(dst []byte, f *catalog.Field) []byte {
	dst = append(dst, `{"key":`...)
	dst = appendString(dst, string(f.Key))
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, f.Name)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, string(f.Type))
	for _, b := range [...]struct {
		name  string
		value bool
	}{
		{`,"multiple":`, f.Multiple},
		{`,"custom":`, f.Custom},
		{`,"stored":`, f.Stored},
		{`,"sortable":`, f.Sortable},
		{`,"searchable":`, f.Searchable},
	} {
		dst = append(dst, b.name...)
		dst = appendBool(dst, b.value)
	}
	dst = append(dst, `,"values":[`...)
	for i, v := range f.Values {
		dst = comma(dst, i)
		dst = appendString(dst, v)
	}
	dst = append(dst, `],"has_terms":`...)
	dst = appendBool(dst, f.HasTerms)
	dst = append(dst, `,"hierarchical":`...)
	dst = appendBool(dst, f.Hierarchical)
	return append(dst, '}')
}

// planTerms plans a page of a field's terms. The field is fixed, or "" for
// the one that the path names.
func (a *API) planTerms(fixed string) plan {
	return func(r *http.Request, v *view, params []param) (render, error) {
		f, err := v.termField(r, fixed)
		if err != nil {
			return nil, err
		}
		var (
			q catalog.TermQuery
			w where
		)
		for i := range params {
			p := &params[i]
			switch p.name {
			case "limit":
				q.Limit, err = parseLimit(p.value)
			case "cursor":
				q.After = catalog.Cursor(p.value)
			case "prefix":
				q.Prefix = p.value
			case "sort":
				q.ByCount, q.Desc, err = termOrder(p.value)
			default:
				err = w.param(r.Context(), v, p)
			}
			if err != nil {
				return nil, err
			}
		}
		q.Where = w.expr()
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			return renderTerms(ctx, dst, v, f.Key, q)
		}, nil
	}
}

// termField returns the field with terms that the path names, unless it is fixed.
func (v *view) termField(r *http.Request, fixed string) (*catalog.Field, error) {
	name := fixed
	if name == "" {
		name = r.PathValue("field")
	}
	f := v.schema.byName[name]
	switch {
	case f == nil:
		return nil, notFound("path.field", name, "unknown field")
	case !f.HasTerms:
		return nil, invalid("path.field", name, "there are no terms of")
	}
	return f, nil
}

// termOrder reads the sort parameter of terms.
func termOrder(s string) (byCount, desc bool, err error) {
	switch s {
	case "name":
		return false, false, nil
	case "-name":
		return false, true, nil
	case "-count":
		return true, false, nil // the catalog counts down unless told otherwise
	case "count":
		return true, true, nil
	}
	return false, false, invalid("query.sort", s, "terms are sorted by name, -name, count or -count, not")
}

func renderTerms(ctx context.Context, dst []byte, v *view, f catalog.FieldKey, q catalog.TermQuery) ([]byte, error) {
	page, err := v.reader.Terms(ctx, f, q)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `{"items":[`...)
	for i := range page.Items {
		dst = comma(dst, i)
		dst = appendTerm(dst, &page.Items[i])
	}
	return appendPageEnd(dst, page.Next, page.Total), nil
}

func appendTerm(dst []byte, t *catalog.Term) []byte {
	dst = append(dst, `{"id":`...)
	if t.ID == 0 { // formats and types of identifiers have none
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, t.ID, 10)
	}
	dst = append(dst, `,"value":`...)
	dst = appendString(dst, t.Name)
	dst = append(dst, `,"sort":`...)
	dst = appendOptional(dst, t.Sort)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(t.Count), 10)
	dst = append(dst, `,"link":`...)
	dst = appendOptional(dst, t.Link)
	return append(dst, '}')
}
