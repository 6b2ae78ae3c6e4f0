package index

import (
	"encoding/binary"
	"math"

	"github.com/pressmark/pressmark/catalog"
)

// raw returns the text of one book in a column that has prose, or its UUID, as
// the library has it. The bytes belong to the index.
func (ix *Index) raw(c *column, slot uint32) []byte {
	if c.field.Key == catalog.FieldComments {
		return ix.comments(slot)
	}
	s := skimmer{ix.record(slot)}
	s.int() // the id
	uuid := s.str()
	if c.field.Key == catalog.FieldUUID {
		return uuid
	}
	title, titleSort := s.str(), s.str()
	switch c.field.Key {
	case catalog.FieldTitle:
		return title
	case catalog.FieldTitleSort:
		return titleSort
	}
	s.items() // authors
	if authorSort := s.str(); c.custom < 0 {
		return authorSort
	}
	return s.custom(c.custom)
}

// skimmer reads the parts of a record without copying them.
type skimmer struct{ b []byte }

func (s *skimmer) int() int64 {
	v, n := binary.Varint(s.b)
	s.b = s.b[n:]
	return v
}

func (s *skimmer) str() []byte {
	v, n := binary.Uvarint(s.b)
	p := s.b[n : n+int(v)]
	s.b = s.b[n+int(v):]
	return p
}

func (s *skimmer) skip(n int) { s.b = s.b[n:] }

func (s *skimmer) time() {
	if s.int() != math.MinInt64 {
		s.int()
	}
}

func (s *skimmer) items() {
	for range s.int() {
		s.item()
	}
}

// custom returns the text in the n-th custom column, from behind the author
// sort on.
func (s *skimmer) custom(n int) []byte {
	s.items() // series
	s.skip(8) // series index
	s.items() // tags
	s.items() // publisher
	s.items() // languages
	s.skip(8) // rating
	for range 2 * s.int() {
		s.str() // types and values of identifiers
	}
	s.time()
	s.time()
	s.time()
	s.str() // path
	for range s.int() {
		s.str() // format
		s.str() // file
		s.int() // size
		s.str() // key
	}
	s.str() // cover
	s.int() // pages
	s.int() // the number of columns
	for ; ; n-- {
		s.items()
		s.skip(8 + 8 + 1 + 1) // index, number, bool, whether it is set
		s.time()
		if text := s.str(); n == 0 {
			return text
		}
	}
}

func (s *skimmer) item() {
	s.int()
	s.str()
	own := s.b[0] != 0 // sorts by a text of its own
	s.b = s.b[1:]
	if own {
		s.str()
	}
	s.str()
}
