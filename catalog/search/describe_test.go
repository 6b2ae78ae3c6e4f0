package search_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// describe writes an expression so that a table of tests can hold it.
func describe(e catalog.Expr) string {
	switch e := e.(type) {
	case nil:
		return "everything"
	case catalog.And:
		if len(e) == 0 {
			return "all"
		}
		return "(" + describeAll(e, " and ") + ")"
	case catalog.Or:
		if len(e) == 0 {
			return "none"
		}
		return "(" + describeAll(e, " or ") + ")"
	case catalog.Not:
		return "not " + describe(e.X)
	case catalog.Is:
		return string(e.Field) + " is " + e.Value
	case catalog.Match:
		field := string(e.Field)
		if field == "" {
			field = "*"
		}
		return field + describeText(e.Text)
	case catalog.MatchIdentifier:
		return "identifier" + describeText(e.Type) + describeText(e.Value)
	case catalog.Between:
		bound := func(v *float64) string {
			if v == nil {
				return ""
			}
			return strconv.FormatFloat(*v, 'g', 8, 64)
		}
		stored := ""
		if e.Stored {
			stored = " stored"
		}
		return fmt.Sprintf("%s[%s..%s]%s", e.Field, bound(e.Min), bound(e.Max), stored)
	case catalog.During:
		bound := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format("2006-01-02T15:04-07:00")
		}
		return fmt.Sprintf("%s[%s..%s)", e.Field, bound(e.From), bound(e.To))
	case catalog.Count:
		return fmt.Sprintf("%s#%d..%d", e.Field, e.Min, e.Max)
	case catalog.Has:
		return "has " + string(e.Field)
	}
	return fmt.Sprintf("%T", e)
}

func describeAll(list []catalog.Expr, operator string) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, describe(e))
	}
	return strings.Join(parts, operator)
}

// describeText writes the kind of a text as a character.
func describeText(t catalog.Text) string {
	return fmt.Sprintf("%c%s", "?^=.:~"[t.Kind], t.Value)
}
