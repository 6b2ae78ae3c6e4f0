package search

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of what an expression means, with all that it names.
const (
	maxMeaning    = 20_000 // values to look for
	maxEverywhere = 64     // of those, without a field: each looks at everything
	maxLevels     = 2 * maxDepth
)

// Tree returns the tree of an expression, nil if it is blank.
func (l *Language) Tree(text string) (Node, error) { return Parse(text, l.isLocation) }

// Parse returns what an expression means now. Text that cannot be understood is
// a *catalog.InvalidError with Part "q".
func (l *Language) Parse(text string) (catalog.Parsed, error) {
	n, err := l.Tree(text)
	if err != nil {
		return catalog.Parsed{}, err
	}
	return l.Compile(n)
}

// Compile returns what a tree means now.
func (l *Language) Compile(n Node) (catalog.Parsed, error) {
	if n == nil {
		return catalog.Parsed{}, nil
	}
	c := compiler{l: l, now: l.now().In(l.zone)}
	e, err := c.node(n, 0)
	if err != nil {
		return catalog.Parsed{}, err
	}
	p := catalog.Parsed{Expr: e, Words: words(nil, n)}
	if isAll(e) {
		p.Expr = nil
	}
	if c.relative {
		p.Until = startOf(c.now.Year(), c.now.Month(), c.now.Day()+1, l.zone)
	}
	return p, nil
}

// words appends the plain words that a book must have.
func words(list []string, n Node) []string {
	switch n := n.(type) {
	case And:
		for _, m := range n {
			list = words(list, m)
		}
	case Term:
		if kind, value := matchKind(n.Value); n.Field == "" && kind == catalog.Anywhere && !isBlank(value) && !isPresence(value) {
			list = append(list, value)
		}
	}
	return list
}

// compiler makes an expression of a tree.
type compiler struct {
	l        *Language
	now      time.Time // in the library's zone
	relative bool      // the meaning depends on the day
	values   int
	plain    int             // of them, without a field
	names    []string        // that are being looked up, to find those that name themselves
	trees    map[string]Node // of the texts that have names
}

func (c *compiler) node(n Node, depth int) (catalog.Expr, error) {
	if depth > maxLevels {
		return nil, wrong("", "what it names is nested too deeply", "at most "+strconv.Itoa(maxLevels)+" levels")
	}
	switch n := n.(type) {
	case And:
		list, err := c.nodes(n, depth)
		return conjunction(list), err
	case Or:
		list, err := c.nodes(n, depth)
		return disjunction(list), err
	case Not:
		x, err := c.node(n.X, depth+1)
		return negation(x), err
	case Term:
		e, err := c.term(n, depth)
		var bad *catalog.InvalidError
		if errors.As(err, &bad) {
			if bad.Position = n.ValuePos; bad.Value == n.Field || bad.Value == "" {
				bad.Position = n.Pos
			}
		}
		return e, err
	}
	return nil, wrong("", "unknown kind of node", "")
}

func (c *compiler) nodes(list []Node, depth int) ([]catalog.Expr, error) {
	out := make([]catalog.Expr, 0, len(list))
	for _, n := range list {
		e, err := c.node(n, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (c *compiler) term(n Term, depth int) (catalog.Expr, error) {
	loc, ok := c.l.locations[n.Field]
	if n.Field == "" {
		loc, ok = location{role: everywhere}, true
	}
	if !ok {
		return nil, wrong(n.Field, "there is no field", "a field of the library")
	}
	if loc.role == savedSearch {
		if err := c.count(); err != nil {
			return nil, err
		}
		return c.savedSearch(strings.TrimPrefix(n.Value, "="), depth)
	}
	return c.look(loc, n.Value, depth)
}

// look returns what selects the books that have a value in a location.
func (c *compiler) look(loc location, query string, depth int) (catalog.Expr, error) {
	if err := c.count(); err != nil {
		return nil, err
	}
	if isBlank(query) {
		return none(), nil
	}
	counted := loc.multiple && len(query) > 1 && query[0] == '#' && strings.IndexByte("=<>!", query[1]) >= 0
	switch loc.role {
	case everywhere:
		return c.everywhere(query)
	case dates:
		return c.date(loc, lower(query))
	case integers, floats, stars, halfStars, cover, bookID, seriesIndex:
		return number(loc, lower(query))
	case composite:
		return nil, wrong(string(loc.field), "Calibre computes the column when it shows it, and it is not in the database:", "a column that is stored")
	case template:
		return nil, wrong("template", "only Calibre evaluates a", "a field of the library")
	case virtualLibrary:
		return c.virtualLibrary(query, depth)
	case group:
		return c.group(loc.name, query, depth)
	case category:
		return c.category(loc.name, lower(query), depth)
	case savedSearch: // can only be named in the expression itself
		return none(), nil
	case bools:
		return boolean(loc.field, lower(query), c.l.tristate)
	}
	switch {
	case counted:
		return count(loc.field, lower(query[1:]))
	case loc.role == identifiers:
		return identifier(query)
	case loc.role == isbn:
		return identifier("=isbn:" + query)
	}
	return text(loc, query)
}

// count bounds the work: names in names can stand for a great many values.
func (c *compiler) count() error {
	if c.values++; c.values > maxMeaning {
		return wrong("", "it looks for too many values, with all that it names", "at most 20,000")
	}
	return nil
}

// everywhere looks in all fields: in those of text, in the languages by their
// names, and, if the text is a number, in those of numbers.
func (c *compiler) everywhere(query string) (catalog.Expr, error) {
	if c.plain++; c.plain > maxEverywhere {
		return nil, wrong("", "too many words without a field", "at most 64, or fields before the others")
	}
	kind, value := matchKind(query)
	if kind == catalog.Anywhere && isPresence(value) {
		// Every book has some value, and lacks another.
		return all(), nil
	}
	t, err := matchText(kind, value)
	if err != nil {
		return nil, err
	}
	if matchesEmpty(t) { // Calibre's column of devices, if no other
		return all(), nil
	}
	list := []catalog.Expr{catalog.Match{Text: t}}
	if _, ok := c.l.locations["languages"]; ok {
		t, err := matchText(kind, language(value))
		if err != nil {
			return nil, err
		}
		list = append(list, catalog.Match{Field: catalog.FieldLanguages, Text: t})
	}
	return disjunction(append(list, equalNumbers(c.l.numbers, value)...)), nil
}

// wrong makes an error whose position follows.
func wrong(value, reason, expected string) error { return invalid(0, value, reason, expected) }
