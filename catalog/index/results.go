package index

import (
	"crypto/rand"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// Sets keeps what expressions that took some work have selected. It may drop
// anything at any time. A *cache.Namespace[*roaring.Bitmap] of package cache that
// is Unchanging is one; [SetBytes] is what a set costs.
type Sets interface {
	// Peek returns the set that was put under key, if it is still there. It must
	// not be changed.
	Peek(key string) (set *roaring.Bitmap, ok bool)

	// Put keeps set, which does not change any more.
	Put(key string, set *roaring.Bitmap)
}

// SetBytes is about how many bytes a set takes in memory.
func SetBytes(set *roaring.Bitmap) int64 { return 256 + int64(set.GetSizeInBytes()) }

// results are the sets of one generation of an index, whose contents never
// change, so that they are never wrong. Those of the generations before are not
// asked for any more, and age out.
type results struct {
	sets       Sets   // nil: none are kept
	generation string // is part of every key
}

func newResults(o *Options) results { return results{o.Sets, rand.Text()} }

// maxKey is the longest key of a set that is kept, in bytes.
const maxKey = 4 << 10

func (r *results) key(e catalog.Expr) (string, bool) {
	if r.sets == nil {
		return "", false
	}
	key := r.generation + catalog.Key(e)
	return key, len(key) <= maxKey
}

// get returns the set of e, made by load if it is not there. Sets are shared.
func (r *results) get(e catalog.Expr, load func() (*roaring.Bitmap, error)) (*roaring.Bitmap, error) {
	key, ok := r.key(e)
	if !ok {
		return load()
	}
	if set, ok := r.sets.Peek(key); ok {
		return set, nil
	}
	set, err := load()
	if err == nil {
		r.sets.Put(key, set)
	}
	return set, err
}

// peek returns the set of e if it is there, nil otherwise.
func (r *results) peek(e catalog.Expr) *roaring.Bitmap {
	if key, ok := r.key(e); ok {
		if set, ok := r.sets.Peek(key); ok {
			return set
		}
	}
	return nil
}
