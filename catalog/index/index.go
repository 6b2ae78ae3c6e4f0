// Package index is an immutable in-memory index of a library. It implements
// catalog.Reader without locks and without I/O on the read path: a query is
// evaluated to a set of books, and a page is cut out of an order that was
// sorted when the index was made.
//
// A [Builder] collects books and builds an [Index]; [Index.Update] makes the
// next generation from the one before, sharing all that did not change. An
// Index never changes: whoever holds one sees one consistent library for as
// long as they like.
//
// # What lies where
//
// Books are numbered by slots in the order in which they were added. The heap
// holds, by slot, ids and digests; by field, a dictionary of its values with
// the books of each, or a column of numbers or dates; and by sortable field a
// permutation of the slots with their ranks. What is large — the encoded books,
// their comments, collation keys — lies in the bulk: a private file that is
// mapped into memory where the system can, so that the kernel may drop it.
// About 600 bytes a book are on the heap.
//
// # Text
//
// Values sort by the Unicode Collation Algorithm (root collation) and match as
// Calibre's search matches ([catalog.TextKind]): without regard to case, accents
// and, where that is asked for, punctuation. Distinct values are matched, not
// the values of each book.
//
// Titles and comments are found by n-grams that [Index.Prepare] makes, in the
// bulk, too. Until then, and for what changed since, text is looked at book by
// book, with the same result.
//
// # Sets
//
// An expression is evaluated to a roaring bitmap of slots. What costs little is
// evaluated first, so that text is looked for only in books that are still in
// question, and sets that took some work are kept for a while.
package index

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"runtime"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// Meta describes a library as a whole.
type Meta struct {
	// Library is the library's UUID.
	Library string
	// Fields are the library's fields, as Reader.Fields returns them.
	Fields []catalog.Field
	// Extra is anything else that answers depend on (virtual libraries,
	// saved searches); the revision covers it.
	Extra []byte
}

// Options are the settings of a Builder. The zero value works.
type Options struct {
	// Dir is a folder for the private file that holds the bulk, unlinked at
	// once and mapped into memory. Empty keeps the bulk on the heap.
	Dir string
	// Encode appends a book in the form that Index.AppendBooks hands out,
	// without comments. With nil AppendBooks is errors.ErrUnsupported.
	Encode func(dst []byte, b *catalog.Book) []byte
	// Sets keeps what searches have selected. nil keeps nothing.
	Sets Sets
}

// Index is an immutable index of a library.
type Index struct {
	meta     Meta
	options  Options
	revision catalog.Revision
	custom   []catalog.Field // the stored custom columns, as in Book.Custom

	ids     []catalog.BookID // by slot
	digests []digest         // by slot
	entries []entry          // by slot
	live    *roaring.Bitmap  // slots that hold a book
	byID    *order           // the order of the field "id"
	byUUID  []uuidSlot       // sorted; only the owner of each UUID
	columns map[catalog.FieldKey]*column
	list    []*column // columns in the order of meta.Fields
	bulk    bulk
	results results
}

var (
	_ catalog.Reader   = (*Index)(nil)
	_ catalog.Appender = (*Index)(nil)
)

// digest identifies a book's contents.
type digest [16]byte

// entry is where a book's parts lie: one after another in the bulk.
type entry struct {
	place
	titleKey, authorKey    uint32 // lengths in bytes
	record, comments, card uint32
}

func (ix *Index) titleKey(slot uint32) []byte {
	e := &ix.entries[slot]
	return ix.bulk.at(e.place, int(e.titleKey))
}

func (ix *Index) authorKey(slot uint32) []byte {
	e := &ix.entries[slot]
	return ix.bulk.at(place{e.seg, e.off + e.titleKey}, int(e.authorKey))
}

func (ix *Index) record(slot uint32) []byte {
	e := &ix.entries[slot]
	return ix.bulk.at(place{e.seg, e.off + e.titleKey + e.authorKey}, int(e.record))
}

func (ix *Index) comments(slot uint32) []byte {
	e := &ix.entries[slot]
	return ix.bulk.at(place{e.seg, e.off + e.titleKey + e.authorKey + e.record}, int(e.comments))
}

func (ix *Index) card(slot uint32) []byte {
	e := &ix.entries[slot]
	return ix.bulk.at(place{e.seg, e.off + e.titleKey + e.authorKey + e.record + e.comments}, int(e.card))
}

// book decodes the book in a slot.
func (ix *Index) book(slot uint32, comments bool) catalog.Book {
	b := decodeRecord(ix.record(slot), ix.custom)
	if comments {
		b.Comments = string(ix.comments(slot))
	}
	return b
}

// slot returns where the book with that id is.
func (ix *Index) slot(id catalog.BookID) (uint32, bool) {
	p := ix.byID.perm
	i := sort.Search(len(p), func(i int) bool { return ix.ids[p[i]] >= id })
	if i == len(p) || ix.ids[p[i]] != id {
		return 0, false
	}
	return p[i], true
}

// Len returns the number of books.
func (ix *Index) Len() int { return len(ix.byID.perm) }

// Book implements catalog.Reader.
func (ix *Index) Book(_ context.Context, id catalog.BookID) (catalog.Book, error) {
	// The bulk is unmapped when nothing refers to the index any more.
	defer runtime.KeepAlive(ix)
	slot, ok := ix.slot(id)
	if !ok {
		return catalog.Book{}, fmt.Errorf("book %d: %w", id, catalog.ErrNotFound)
	}
	return ix.book(slot, true), nil
}

// Fields implements catalog.Reader.
func (ix *Index) Fields(context.Context) ([]catalog.Field, error) {
	return append([]catalog.Field(nil), ix.meta.Fields...), nil
}

// Revision implements catalog.Reader.
func (ix *Index) Revision(context.Context) (catalog.Revision, error) { return ix.revision, nil }

// Extra returns Meta.Extra.
func (ix *Index) Extra() []byte { return ix.meta.Extra }

// revise computes the revision from all that the index holds: what is in it,
// not how it came there.
func (ix *Index) revise() {
	h := sha256.New()
	hashString(h, "pressmark index 1")
	hashString(h, ix.meta.Library)
	for i := range ix.meta.Fields {
		hashString(h, fmt.Sprintf("%+v", ix.meta.Fields[i]))
	}
	hashString(h, string(ix.meta.Extra))
	buf := make([]byte, 0, 24<<10)
	for _, slot := range ix.byID.perm {
		buf = binary.BigEndian.AppendUint64(buf, uint64(ix.ids[slot]))
		buf = append(buf, ix.digests[slot][:]...)
		if len(buf) == cap(buf) {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	ix.revision = catalog.Revision{Library: ix.meta.Library, Digest: hex.EncodeToString(h.Sum(nil)[:16])}
}

func hashString(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	h.Write([]byte(s))
}

// Diff says what is different in to from what was in from. Of two different
// libraries it says only that, with More.
func Diff(from, to *Index) catalog.Change {
	c := catalog.Change{Revision: to.revision}
	if from.meta.Library != to.meta.Library {
		c.More = true
		return c
	}
	a, b := from.byID.perm, to.byID.perm
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && from.ids[a[0]] < to.ids[b[0]]:
			c.Removed = append(c.Removed, from.ids[a[0]])
			a = a[1:]
		case len(a) == 0 || to.ids[b[0]] < from.ids[a[0]]:
			c.Added = append(c.Added, to.ids[b[0]])
			b = b[1:]
		default:
			if from.digests[a[0]] != to.digests[b[0]] {
				c.Changed = append(c.Changed, to.ids[b[0]])
			}
			a, b = a[1:], b[1:]
		}
	}
	return c
}
