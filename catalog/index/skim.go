package index

import (
	"encoding/binary"

	"github.com/pressmark/pressmark/catalog"
)

// raw returns the running text of one book in a column that has prose, as the
// library has it. The bytes belong to the index.
func (ix *Index) raw(c *column, slot uint32) []byte {
	switch {
	case c.custom >= 0:
		b := ix.book(slot, false)
		return []byte(b.Custom[c.custom].Text)
	case c.field.Key == catalog.FieldComments:
		return ix.comments(slot)
	}
	s := skimmer{ix.record(slot)}
	s.int() // the id
	s.str() // the UUID
	title, titleSort := s.str(), s.str()
	switch c.field.Key {
	case catalog.FieldTitle:
		return title
	case catalog.FieldTitleSort:
		return titleSort
	}
	for range s.int() { // authors
		s.item()
	}
	return s.str() // the author sort
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
