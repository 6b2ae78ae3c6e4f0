package search

import "github.com/pressmark/pressmark/catalog"

// all selects every book, none no book.
func all() catalog.Expr  { return catalog.And{} }
func none() catalog.Expr { return catalog.Or{} }

func isAll(e catalog.Expr) bool {
	list, ok := e.(catalog.And)
	return ok && len(list) == 0
}

func isNone(e catalog.Expr) bool {
	list, ok := e.(catalog.Or)
	return ok && len(list) == 0
}

// conjunction, disjunction and negation leave out what makes no difference, so
// that expressions that mean the same more often have the same key.
func conjunction(list []catalog.Expr) catalog.Expr {
	out := catalog.And{}
	for _, e := range list {
		if isNone(e) {
			return none()
		}
		if more, ok := e.(catalog.And); ok {
			out = append(out, more...)
		} else {
			out = append(out, e)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func disjunction(list []catalog.Expr) catalog.Expr {
	out := catalog.Or{}
	for _, e := range list {
		if isAll(e) {
			return all()
		}
		if more, ok := e.(catalog.Or); ok {
			out = append(out, more...)
		} else {
			out = append(out, e)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func negation(e catalog.Expr) catalog.Expr {
	switch {
	case e == nil:
		return nil
	case isAll(e):
		return none()
	case isNone(e):
		return all()
	}
	if not, ok := e.(catalog.Not); ok {
		return not.X
	}
	return catalog.Not{X: e}
}

// present selects the books that have a value in a field, or those that do not.
func present(has catalog.Expr, query string) catalog.Expr {
	if lower(query) == "false" {
		return negation(has)
	}
	return has
}

// isPresence reports whether text asks whether there is a value at all.
func isPresence(text string) bool {
	switch lower(text) {
	case "true", "false":
		return true
	}
	return false
}

// boolean selects by a column of yes and no. With three states a value can be
// missing, and then "true" is any value; with two a missing value is "no".
func boolean(field catalog.FieldKey, query string, tristate bool) (catalog.Expr, error) {
	yes := catalog.Is{Field: field, Value: "true"}
	switch query {
	case "yes", "checked", "_yes", "_checked":
		return yes, nil
	case "no", "unchecked", "_no", "_unchecked":
		if tristate {
			return catalog.Is{Field: field, Value: "false"}, nil
		}
		return negation(yes), nil
	case "empty", "blank", "_empty", "_blank":
		if tristate {
			return negation(catalog.Has{Field: field}), nil
		}
		return none(), nil
	case "true", "false":
		if tristate {
			return present(catalog.Has{Field: field}, query), nil
		}
		return present(yes, query), nil
	}
	return nil, wrong(query, "not yes or no:", "yes, no, empty, true or false")
}
