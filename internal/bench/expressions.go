package main

import (
	_ "embed"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

//go:embed expressions.txt
var expressionList string

// expressions are the lines of expressions.txt.
func expressions() []string {
	var list []string
	for line := range strings.Lines(expressionList) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !strings.HasPrefix(line, "# ") {
			list = append(list, line)
		}
	}
	return list
}

// virtualLibraries are those of every generated library, for the view of a
// request.
func virtualLibraries() []string {
	return []string{"Long reads", "Sea", "Unread", "Not English", "Recent and good"}
}

// ask is a search and the request that makes it.
type ask struct {
	expression string
	with       string // the other parameters, for people
	request    []byte
}

// asks makes the requests of a round: each expression once, in random order,
// sorted and cut in many ways, one in five with facets and one in five through
// a view. A round asks nothing that an earlier one has asked, so that no answer
// is still there; what an expression selects may be.
func asks(list []string, round int) []ask {
	rng := rand.New(rand.NewPCG(seed, uint64(round)))
	sorts := [...]string{
		"", "-added", "title", "authors,title", "", "-published", "series", "-rating,title", "relevance", "-modified",
		"size", "#pages", "-#price,authors", "tags", "publisher,-published", "#cycle", "title_sort", "-#stars",
	}
	facets := [...]string{"tags,authors", "tags", "authors,series,publisher", "languages,formats,rating,#genre", "tags,authors,series"}
	views := virtualLibraries()
	out := make([]ask, 0, len(list))
	for i, expression := range list {
		q := url.Values{}
		if s := sorts[(i+5*round)%len(sorts)]; s != "" {
			q.Set("sort", s)
		}
		// Sorts come round again, limits do not in the first ten rounds.
		limit := [...]int{catalog.DefaultLimit, 20, catalog.DefaultLimit, 100, 10}[rng.IntN(5)] + round
		q.Set("limit", strconv.Itoa(limit))
		if rng.IntN(5) == 0 {
			q.Set("facets", facets[rng.IntN(len(facets))])
		}
		if rng.IntN(5) == 0 {
			q.Set("view", views[rng.IntN(len(views))])
		}
		a := ask{expression: expression, with: plain(q)}
		q.Set("q", expression)
		a.request = get(nil, "/api/books?"+q.Encode())
		out = append(out, a)
	}
	rng.Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out
}

// plain writes parameters as people do.
func plain(q url.Values) string {
	parts := make([]string, 0, len(q))
	for name := range q {
		parts = append(parts, name+"="+q.Get(name))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
