package index

// STAND-INS until fold.go and prose.go are there (whoever writes those: delete
// each definition here that yours replaces, and the file with the last one).

import (
	"regexp"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

type prose struct{}

type matcher struct {
	t    catalog.Text
	want string
	re   *regexp.Regexp
	f    *folder
}

func newMatcher(t catalog.Text) (*matcher, error) {
	m := &matcher{t: t, f: newFolder()}
	switch t.Kind {
	case catalog.Anywhere:
		m.want = m.f.bare(t.Value)
	case catalog.Punctuated:
		m.want = m.f.fold(t.Value)
	case catalog.Pattern:
		var err error
		if m.re, err = regexp.Compile("(?i)" + t.Value); err != nil {
			return nil, catalog.Invalid("q", t.Value, "not a regular expression in RE2 syntax:")
		}
	default:
		m.want = m.f.lower(t.Value)
	}
	return m, nil
}

// needle returns bare text that must be in the bare form of what matches, and
// whether that is enough for it to match.
func (m *matcher) needle() (string, bool) {
	if m.t.Kind == catalog.Pattern {
		return "", false
	}
	return m.f.bare(m.t.Value), m.t.Kind == catalog.Anywhere
}

func (m *matcher) match(s string) bool {
	switch m.t.Kind {
	case catalog.Anywhere:
		return s != "" && strings.Contains(m.f.bare(s), m.want)
	case catalog.Punctuated:
		return strings.Contains(m.f.fold(s), m.want)
	case catalog.Pattern:
		return m.re.MatchString(m.f.lower(s))
	case catalog.Whole:
		return m.f.lower(s) == m.want
	case catalog.Below:
		rest, ok := strings.CutPrefix(m.f.lower(s), m.want)
		return ok && (rest == "" || rest[0] == '.')
	}
	l := m.f.lower(s)
	if l == "."+m.want {
		return true
	}
	for part := range strings.SplitSeq(l, ".") {
		if p := strings.TrimSpace(part); p != "" && p == m.want {
			return true
		}
	}
	return false
}
