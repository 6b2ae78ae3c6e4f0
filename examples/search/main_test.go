package main

import (
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

func TestSearch(t *testing.T) {
	root := calibretest.Sample(t)
	for _, c := range []struct {
		args []string
		want int // lines
	}{
		{[]string{root, `tags:"=Sea Stories"`}, 4},
		{[]string{root, "author:holloway"}, 4},
		{[]string{root, "author:holloway", "Sea"}, 3},
	} {
		var out strings.Builder
		if err := run(t.Context(), c.args, &out); err != nil || strings.Count(out.String(), "\n") != c.want {
			t.Errorf("%q: %v\n%s", c.args[1:], err, out.String())
		}
	}
	for _, args := range [][]string{nil, {root, "(tide"}, {root, "tide", "No such view"}} {
		if err := run(t.Context(), args, &strings.Builder{}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
