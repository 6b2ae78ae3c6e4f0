package search

import (
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// matchKind takes the character off the front of text that says how it is
// compared. What is not a regular expression becomes lower case.
func matchKind(text string) (catalog.TextKind, string) {
	kind := catalog.Anywhere
	if isLong(text) {
		cut := true
		switch text[0] {
		case '=':
			kind = catalog.Whole
		case '~':
			return catalog.Pattern, text[1:]
		case '^':
			kind = catalog.Punctuated
		case '\\':
		default:
			cut = false
		}
		if cut {
			text = text[1:]
		}
	}
	return kind, lower(text)
}

// isLong reports whether text has more than one character.
func isLong(text string) bool {
	for i := range text {
		if i > 0 {
			return true
		}
	}
	return false
}

// matchText makes the places of a hierarchy of values that begin with dots. Of
// two dots the first is dropped, however the text is compared.
func matchText(kind catalog.TextKind, value string) (catalog.Text, error) {
	level := strings.HasPrefix(value, "..")
	if level {
		value = value[1:]
	}
	switch {
	case kind == catalog.Pattern:
		if err := checkPattern(value); err != nil {
			return catalog.Text{}, err
		}
	case kind == catalog.Whole && level:
		return catalog.Text{Kind: catalog.Level, Value: value[1:]}, nil
	case kind == catalog.Whole && strings.HasPrefix(value, "."):
		return catalog.Text{Kind: catalog.Below, Value: value[1:]}, nil
	}
	return catalog.Text{Kind: kind, Value: value}, nil
}

// text selects by a field of text.
func text(loc location, query string) (catalog.Expr, error) {
	kind, value := matchKind(query)
	if loc.role == languageCodes {
		value = language(value)
	}
	if kind == catalog.Anywhere && isPresence(value) {
		switch loc.role {
		case seriesSort:
			return nil, wrong(query, "whether a book has a series is asked of the field series, not by", "text to look for")
		case emptyText, noValues:
			return present(none(), value), nil
		}
		return present(catalog.Has{Field: loc.field}, value), nil
	}
	t, err := matchText(kind, value)
	switch {
	case err != nil:
		return nil, err
	case loc.role == emptyText && matchesEmpty(t):
		return all(), nil
	case loc.role == emptyText, loc.role == noValues:
		return none(), nil
	}
	return catalog.Match{Field: loc.field, Text: t}, nil
}

// identifier selects by a type and a value of an identifier with a colon
// between them, or by a value.
func identifier(query string) (catalog.Expr, error) {
	kind, value, typed := strings.Cut(query, ":")
	if !typed {
		kind, value = "", query
	} else {
		kind, value = strings.TrimFunc(kind, isBlankRune), strings.TrimFunc(value, isBlankRune)
	}
	typeKind, typeText := matchKind(kind)
	valueKind, valueText := matchKind(value)
	// "true" is any value, also with a "=" before it. The type then is exact.
	if valueText == "true" || valueText == "false" {
		if typeText == "" {
			return present(catalog.Has{Field: catalog.FieldIdentifiers}, valueText), nil
		}
		any := catalog.MatchIdentifier{Type: catalog.Text{Kind: catalog.Whole, Value: typeText}}
		return present(any, valueText), nil
	}
	if typeText == "" && valueText == "" {
		return catalog.Has{Field: catalog.FieldIdentifiers}, nil
	}
	var m catalog.MatchIdentifier
	var err error
	if typeText != "" {
		if m.Type, err = matchText(typeKind, typeText); err != nil {
			return nil, err
		}
	}
	if valueText != "" {
		if m.Value, err = matchText(valueKind, valueText); err != nil {
			return nil, err
		}
	}
	return m, nil
}
