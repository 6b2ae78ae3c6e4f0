package search

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// savedSearch returns what a saved search means. Its name is looked for without
// regard to case.
func (c *compiler) savedSearch(name string, depth int) (catalog.Expr, error) {
	stored, ok := c.l.found[lower(name)]
	if !ok {
		return nil, wrong(name, "there is no saved search called", "the name of a saved search")
	}
	return c.named("saved search", stored, c.l.searches[stored], depth)
}

// virtualLibrary returns what a virtual library means.
func (c *compiler) virtualLibrary(name string, depth int) (catalog.Expr, error) {
	text := c.l.libraries[name]
	if text == "" {
		return nil, wrong(name, "there is no virtual library called", "the name of a virtual library")
	}
	if isBlank(text) {
		return all(), nil
	}
	return c.named("virtual library", name, text, depth)
}

// named returns what an expression with a name means.
func (c *compiler) named(kind, name, text string, depth int) (catalog.Expr, error) {
	var e catalog.Expr
	err := c.enter(kind, name, func() error {
		n, known := c.trees[text]
		if !known {
			var err error
			if n, err = c.l.Tree(text); err != nil {
				return fail(kind, name, err)
			}
			if c.trees == nil {
				c.trees = map[string]Node{}
			}
			c.trees[text] = n
		}
		if n == nil {
			return wrong(name, "there is nothing in the "+kind, "one with an expression in it")
		}
		var err error
		if e, err = c.node(n, depth+1); err != nil {
			return fail(kind, name, err)
		}
		return nil
	})
	return e, err
}

// enter calls f unless the same name is being looked up already.
func (c *compiler) enter(kind, name string, f func() error) error {
	id := kind + " " + name
	if slices.Contains(c.names, id) {
		return wrong(name, "it refers to itself, by way of the "+kind, "names that do not lead back to themselves")
	}
	c.names = append(c.names, id)
	err := f()
	c.names = c.names[:len(c.names)-1]
	return err
}

// fail says in which name something is wrong.
func fail(kind, name string, err error) error {
	reason := strings.TrimPrefix(err.Error(), "q: ")
	const most = 300 // names in names make it longer at each step
	if r := []rune(reason); len(r) > most {
		reason = string(r[:most]) + "…"
	}
	return wrong(name, fmt.Sprintf("something is wrong (%s) in the %s", reason, kind), "a "+kind+" that can be understood")
}

// group looks in all fields of a group. "false" is what "true" is not. Fields
// that are not there any more do not count; another group is an error.
func (c *compiler) group(name, query string, depth int) (catalog.Expr, error) {
	inverted := lower(query) == "false"
	if inverted {
		query = "true"
	}
	var list []catalog.Expr
	for _, field := range c.l.groups[name] {
		loc, ok := c.l.member(field)
		if !ok {
			continue
		}
		if loc.role == group {
			return nil, wrong(name, fmt.Sprintf("the group %q stands in the group", loc.name), "groups of fields alone")
		}
		e, err := c.look(loc, query, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	e := disjunction(list)
	if inverted {
		e = negation(e)
	}
	return e, nil
}

// category selects the books with an item of a user category, and of those
// below it where the query begins with a dot. What else is asked does not
// matter, but that "false" is the opposite, and that it is not too short.
func (c *compiler) category(name, query string, depth int) (catalog.Expr, error) {
	if !isLong(query) {
		return none(), nil
	}
	query, below := strings.CutPrefix(query, ".")
	var list []catalog.Expr
	err := c.enter("user category", name, func() error {
		for _, key := range sortedNames(c.l.categories) {
			if key != name && !(below && strings.HasPrefix(key, name+".")) {
				continue
			}
			for _, in := range c.l.categories[key] {
				loc, ok := c.l.member(in.field)
				if !ok {
					continue
				}
				e, err := c.look(loc, "="+in.value, depth+1)
				if err != nil {
					return fail("user category", key, err)
				}
				list = append(list, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e := disjunction(list)
	if query == "false" {
		e = negation(e)
	}
	return e, nil
}
