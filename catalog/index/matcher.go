package index

import (
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// matcher tells whether values match a text, in the way of its kind. Not safe
// for concurrent use; matches is.
type matcher struct {
	kind    catalog.TextKind
	text    string // in the form in which it is compared
	bare    string // what the bare form of a value that matches contains
	pattern *pattern
	fold    *folder
}

// newMatcher returns an InvalidError for a pattern that is not one.
func newMatcher(t catalog.Text) (*matcher, error) {
	m := &matcher{kind: t.Kind, fold: newFolder()}
	switch t.Kind {
	case catalog.Anywhere:
		m.text = m.fold.bare(t.Value)
		m.bare = m.text
	case catalog.Punctuated:
		m.text = m.fold.fold(t.Value)
		m.bare = m.fold.bare(t.Value)
	case catalog.Whole, catalog.Below, catalog.Level:
		m.text = m.fold.lower(t.Value)
		m.bare = m.fold.bare(t.Value)
	case catalog.Pattern:
		p, err := newPattern(t.Value)
		if err != nil {
			return nil, err
		}
		m.pattern = p
		for _, choice := range p.literals {
			if len(choice) == 1 && len(choice[0]) > len(m.bare) {
				m.bare = choice[0]
			}
		}
	default:
		return nil, catalog.Invalid("filter", t.Value, "unknown way to compare text")
	}
	return m, nil
}

// match tells whether a value matches. A value that is empty matches nothing
// but patterns that match nothing, and text that is empty.
func (m *matcher) match(value string) bool { return m.matches(m.fold, value) }

// matches is match with a folder of the caller's.
func (m *matcher) matches(f *folder, value string) bool {
	switch m.kind {
	case catalog.Anywhere:
		return value != "" && (m.text == "" || strings.Contains(f.bare(value), m.text))
	case catalog.Punctuated:
		return value != "" && (m.text == "" || strings.Contains(f.fold(value), m.text))
	case catalog.Whole:
		return f.lower(value) == m.text
	case catalog.Below:
		rest, ok := strings.CutPrefix(f.lower(value), m.text)
		return ok && (rest == "" || rest[0] == '.')
	case catalog.Level:
		return hasLevel(f.lower(value), m.text)
	}
	return m.pattern.match(f, value)
}

// hasLevel tells whether a level of value, which dots separate, is level.
func hasLevel(value, level string) bool {
	if len(value) == len(level)+1 && value[0] == '.' && value[1:] == level {
		return true
	}
	for l := range strings.SplitSeq(value, ".") {
		if l = strings.TrimSpace(l); l != "" && l == level {
			return true
		}
	}
	return false
}

// exhausted tells whether so much text was looked at that the rest was left out.
func (m *matcher) exhausted() bool { return m.pattern != nil && m.pattern.exhausted() }

// needle returns what the bare form of every value that matches contains, and
// whether all values that are not empty and contain it match.
func (m *matcher) needle() (bare string, enough bool) {
	return m.bare, m.kind == catalog.Anywhere
}

// sought returns what to look for in running text.
func (m *matcher) sought() sought {
	s := sought{}
	switch {
	case m.pattern != nil:
		s.needles, s.exhausted = m.pattern.literals, m.pattern.exhausted
	case m.bare != "":
		s.needles = [][]string{{m.bare}}
	}
	if m.kind != catalog.Anywhere {
		s.accept = m.matches
	}
	return s
}
