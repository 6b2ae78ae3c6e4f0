package catalog

import (
	"context"
	"errors"
)

// meaning returns the restriction without Search, as it is to be understood
// for the contents of r.
func (v *restricted) meaning(ctx context.Context, r Reader) (Expr, error) {
	if !hasSearch(v.e) {
		return v.e, nil
	}
	s, ok := As[Searcher](r)
	if !ok {
		s, ok = As[Searcher](v.language)
	}
	return expand(v.e, func(text string) (Expr, error) {
		var p Parsed
		err := errors.ErrUnsupported
		if ok {
			p, err = s.Parse(ctx, text)
		}
		if errors.Is(err, errors.ErrUnsupported) { // a wrapper may say so only now
			err = Invalid("q", text, "this catalog does not take text in a search language:")
		}
		return p.Expr, err
	})
}

// hasSearch tells whether there is a Search in e.
func hasSearch(e Expr) bool {
	switch e := e.(type) {
	case And:
		return anySearch(e)
	case Or:
		return anySearch(e)
	case Not:
		return hasSearch(e.X)
	case Search:
		return true
	}
	return false
}

func anySearch(list []Expr) bool {
	for _, e := range list {
		if hasSearch(e) {
			return true
		}
	}
	return false
}

// expand returns e with what parse makes of the text of each Search. One that
// cannot be parsed is an error of the whole: with a part left out e could
// select more than it should.
func expand(e Expr, parse func(text string) (Expr, error)) (Expr, error) {
	switch e := e.(type) {
	case And:
		list, err := expandAll(e, parse)
		return And(list), err
	case Or:
		list, err := expandAll(e, parse)
		return Or(list), err
	case Not:
		x, err := expand(e.X, parse)
		return Not{x}, err
	case Search:
		return parse(string(e))
	}
	return e, nil
}

func expandAll(list []Expr, parse func(text string) (Expr, error)) ([]Expr, error) {
	out := make([]Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = expand(e, parse); err != nil {
			return nil, err
		}
	}
	return out, nil
}
