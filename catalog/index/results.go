package index

import (
	"container/list"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// What an index may keep of sets: so many bytes, or so many sets of half of its
// books, if that is more.
const (
	minResultBytes = 16 << 20
	minResultSets  = 512
)

// results keeps what expressions that took some work selected lately. It
// belongs to one generation of an index, whose contents never change, so that
// it is never wrong; the next begins with an empty one.
type results struct {
	slots int // of the index

	mu    sync.Mutex
	byKey map[string]*list.Element // of *result
	order list.List                // the one that was used last in front
	bytes int
}

type result struct {
	key  string
	set  *roaring.Bitmap
	cost int
}

// get returns the set of e, made by load if it is not there. Sets are shared.
func (r *results) get(e catalog.Expr, load func() (*roaring.Bitmap, error)) (*roaring.Bitmap, error) {
	key := catalog.Key(e)
	if set := r.find(key); set != nil {
		return set, nil
	}
	set, err := load()
	if err != nil {
		return nil, err
	}
	r.put(&result{key, set, 2*len(key) + 256 + int(set.GetSizeInBytes())})
	return set, nil
}

// peek returns the set of e if it is there, nil otherwise.
func (r *results) peek(e catalog.Expr) *roaring.Bitmap { return r.find(catalog.Key(e)) }

func (r *results) find(key string) *roaring.Bitmap {
	r.mu.Lock()
	defer r.mu.Unlock()
	el := r.byKey[key]
	if el == nil {
		return nil
	}
	r.order.MoveToFront(el)
	return el.Value.(*result).set
}

func (r *results) put(n *result) {
	most := max(minResultBytes, minResultSets*r.slots/8)
	if n.cost > most/8 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey == nil {
		r.byKey = map[string]*list.Element{}
	}
	if r.byKey[n.key] != nil { // somebody else was as quick
		return
	}
	r.byKey[n.key] = r.order.PushFront(n)
	r.bytes += n.cost
	for r.bytes > most {
		last := r.order.Back()
		old := r.order.Remove(last).(*result)
		delete(r.byKey, old.key)
		r.bytes -= old.cost
	}
}
