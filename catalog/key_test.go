package catalog_test

import (
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Expressions that differ in anything have different keys.
func TestKey(t *testing.T) {
	n := func(v float64) *float64 { return &v }
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	a, b := catalog.Has{Field: "a"}, catalog.Has{Field: "b"}
	seen := map[string]int{}
	for i, e := range []catalog.Expr{
		nil,
		catalog.And{},
		catalog.Or{},
		catalog.Not{},
		catalog.IDs{},
		catalog.UUIDs{},
		catalog.Search(""),
		catalog.And{nil},
		catalog.Or{nil},
		catalog.And{nil, nil},
		catalog.And{catalog.And{nil}},
		catalog.And{a, b},
		catalog.And{b, a},
		catalog.Or{a, b},
		catalog.And{catalog.And{a}, b},
		catalog.And{catalog.And{a, b}},
		catalog.Not{X: a},
		catalog.Not{X: catalog.Not{X: a}},
		a, b,
		catalog.Is{},
		catalog.Is{Field: "a", Value: "b"},
		catalog.Is{Field: "ab"},
		catalog.Is{Value: "ab"},
		catalog.Is{Field: `a1"`, Value: "b"},
		catalog.Is{Field: "a", Value: `1"b`},
		catalog.Match{},
		catalog.Match{Field: "a"},
		catalog.Match{Text: catalog.Text{Value: "a"}},
		catalog.Match{Text: catalog.Text{Kind: catalog.Pattern, Value: "a"}},
		catalog.Match{Text: catalog.Text{Kind: catalog.Whole, Value: "a"}},
		catalog.MatchIdentifier{},
		catalog.MatchIdentifier{Type: catalog.Text{Value: "a"}},
		catalog.MatchIdentifier{Value: catalog.Text{Value: "a"}},
		catalog.MatchIdentifier{Type: catalog.Text{Kind: catalog.Whole, Value: "a"}},
		catalog.Between{},
		catalog.Between{Field: "a"},
		catalog.Between{Min: n(1)},
		catalog.Between{Max: n(1)},
		catalog.Between{Min: n(1), Max: n(1)},
		catalog.Between{Min: n(1.5)},
		catalog.Between{Min: n(0)},
		catalog.Between{Stored: true},
		catalog.During{},
		catalog.During{From: day},
		catalog.During{To: day},
		catalog.During{From: day.Add(1)},
		catalog.During{Field: "a", From: day},
		catalog.Count{},
		catalog.Count{Min: 1},
		catalog.Count{Max: 1},
		catalog.Count{Min: 1, Max: 1},
		catalog.Count{Min: 11},
		catalog.Count{Field: "a"},
		catalog.Has{},
		catalog.IDs{1},
		catalog.IDs{11},
		catalog.IDs{1, 1},
		catalog.IDs{-1},
		catalog.UUIDs{""},
		catalog.UUIDs{"a"},
		catalog.UUIDs{"a", "b"},
		catalog.UUIDs{"ab"},
		catalog.UUIDs{`a1"b`},
		catalog.Search("a"), catalog.Search(" "),
	} {
		k := catalog.Key(e)
		if other, ok := seen[k]; ok {
			t.Errorf("expressions %d and %d have the key %q", other, i, k)
		}
		seen[k] = i
	}
}

// What is the same has the same key, wherever its parts lie in memory.
func TestKeySame(t *testing.T) {
	one, again := 1.0, 1.0
	day := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for _, p := range [][2]catalog.Expr{
		{catalog.Between{Min: &one}, catalog.Between{Min: &again}},
		{catalog.During{From: day}, catalog.During{From: day.In(time.FixedZone("", 3600))}},
		{catalog.And(nil), catalog.And{}},
	} {
		if a, b := catalog.Key(p[0]), catalog.Key(p[1]); a != b {
			t.Errorf("%#v has the key %q, %#v %q", p[0], a, p[1], b)
		}
	}
}
