package search

import (
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// maxNesting bounds the expressions in which Search is looked for.
const maxNesting = 500

// Expand returns an expression with what parse makes of the text of each Search
// in its place. An expression without Search is returned as it is; one that
// holds others is not changed.
func Expand(e catalog.Expr, parse func(text string) (catalog.Expr, error)) (catalog.Expr, error) {
	e, _, err := expand(e, parse, 0)
	return e, err
}

// expand also reports whether there was a Search.
func expand(e catalog.Expr, parse func(text string) (catalog.Expr, error), depth int) (_ catalog.Expr, changed bool, err error) {
	if depth > maxNesting {
		return nil, false, catalog.Invalid("filter", "", "expression nested too deeply: at most "+strconv.Itoa(maxNesting)+" levels")
	}
	switch e := e.(type) {
	case catalog.And:
		list, changed, err := expandAll(e, parse, depth)
		return catalog.And(list), changed, err
	case catalog.Or:
		list, changed, err := expandAll(e, parse, depth)
		return catalog.Or(list), changed, err
	case catalog.Not:
		x, changed, err := expand(e.X, parse, depth+1)
		return catalog.Not{X: x}, changed, err
	case catalog.Search:
		x, err := parse(string(e))
		return x, true, err
	}
	return e, false, nil
}

func expandAll(list []catalog.Expr, parse func(text string) (catalog.Expr, error), depth int) (_ []catalog.Expr, changed bool, err error) {
	out := list
	for i, e := range list {
		x, other, err := expand(e, parse, depth+1)
		if err != nil {
			return nil, false, err
		}
		if !other {
			continue
		}
		if !changed {
			out, changed = append([]catalog.Expr(nil), list...), true
		}
		out[i] = x
	}
	return out, changed, nil
}
