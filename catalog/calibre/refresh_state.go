package calibre

import (
	"database/sql/driver"
	"hash/maphash"
	"slices"
	"sort"
)

// state is what a refresh compares a copy with: what the last one held, in
// digests. It takes about 50 bytes a book.
type state struct {
	schema  uint64
	library string
	extra   []byte // the preferences
	// hierarchies are in the preferences, too, and a part of the fields.
	hierarchies []string
	books       hashes // of rows of the table books
	data        hashes // of the formats of each book
	pages       hashes
	terms       []hashes // of the rows of each value table
	links       []hashes // of each book's links to each value table of series
}

// sameFields reports whether the library has the same fields in both.
func (st *state) sameFields(o *state) bool {
	return st.schema == o.schema && slices.Equal(st.hierarchies, o.hierarchies)
}

// linkSum is the digest of a link to a value.
func linkSum(seed maphash.Seed, value driver.Value) uint64 {
	id, _ := value.(int64)
	return maphash.Comparable(seed, id)
}

// pagesSum is the digest of a page count.
func pagesSum(pages driver.Value) uint64 {
	n, _ := integer(pages)
	return uint64(n)
}

// hashes are digests of rows by ascending id.
type hashes struct {
	ids  []int64
	sums []uint64
}

// add adds the digest of a row. Several rows with one id make one sum.
func (h *hashes) add(id int64, sum uint64) {
	if n := len(h.ids); n > 0 && h.ids[n-1] == id {
		h.sums[n-1] += sum
		return
	}
	h.ids = append(h.ids, id)
	h.sums = append(h.sums, sum)
}

// diff returns the ids that are in one of h and o only, or differ.
func (h *hashes) diff(o *hashes) (ids []int64) {
	if slices.Equal(h.ids, o.ids) {
		for i, sum := range h.sums {
			if sum != o.sums[i] {
				ids = append(ids, h.ids[i])
			}
		}
		return ids
	}
	i, j := 0, 0
	for i < len(h.ids) || j < len(o.ids) {
		switch {
		case j == len(o.ids) || i < len(h.ids) && h.ids[i] < o.ids[j]:
			ids = append(ids, h.ids[i])
			i++
		case i == len(h.ids) || o.ids[j] < h.ids[i]:
			ids = append(ids, o.ids[j])
			j++
		default:
			if h.sums[i] != o.sums[j] {
				ids = append(ids, h.ids[i])
			}
			i, j = i+1, j+1
		}
	}
	return ids
}

func (h *hashes) has(id int64) bool {
	i := sort.Search(len(h.ids), func(i int) bool { return h.ids[i] >= id })
	return i < len(h.ids) && h.ids[i] == id
}
