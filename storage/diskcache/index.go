package diskcache

// entry is a block file.
type entry struct {
	id      blockID
	cost    int64 // bytes on disk
	touched int64 // modification time of the file, in Unix seconds
	pins    int   // readers that have it open now

	// damaged is a file that must not be served. It is to be removed, and
	// counted until it is.
	damaged bool

	// leaving is a file that was taken out of the order to be removed: it is
	// not served, not counted and not chosen again.
	leaving bool

	newer, older *entry
}

// index knows the block files and the order in which they were used. All of it
// is guarded by Cache.mu; it touches no file.
//
// What is promised to running fetches counts as used from the beginning, and
// what is chosen to be removed does not. A fetch removes what was chosen for it
// before it writes its first byte, so at every moment the files on disk take no
// more than max.
type index struct {
	max     int64
	used    int64
	entries map[blockID]*entry
	ring    entry // ring.older is the newest entry, ring.newer the oldest
}

func newIndex(limit int64) *index {
	x := &index{max: limit, entries: make(map[blockID]*entry)}
	x.ring.newer, x.ring.older = &x.ring, &x.ring
	return x
}

// has reports whether the block can be served.
func (x *index) has(id blockID) bool {
	e := x.entries[id]
	return e != nil && !e.leaving && !e.damaged
}

// pin returns the entry of a block that can be served, and makes it the newest.
// Its file is not removed until unpin.
func (x *index) pin(id blockID) *entry {
	if !x.has(id) {
		return nil
	}
	e := x.entries[id]
	e.pins++
	x.unlink(e)
	x.link(e)
	return e
}

// unpin ends a pin, and reports whether the file is to be removed now.
func (x *index) unpin(e *entry) bool {
	e.pins--
	return e.pins == 0 && e.leaving
}

// add adds a file whose space was promised before, as the newest.
func (x *index) add(e *entry) {
	x.entries[e.id] = e
	x.link(e)
}

// take takes an entry out of the order, to be removed from disk.
func (x *index) take(e *entry) {
	e.leaving = true
	x.unlink(e)
	x.used -= e.cost
}

// removed ends what take began. A file that could not be removed counts again.
func (x *index) removed(e *entry, ok bool) {
	if ok {
		delete(x.entries, e.id)
		return
	}
	e.leaving = false
	x.used += e.cost
	x.link(e)
}

// reserve promises n bytes. It takes the oldest files that must go for it,
// which the caller removes, or none and returns false if there is no room.
func (x *index) reserve(n int64) (victims []*entry, ok bool) {
	free := x.max - x.used
	for e := x.ring.newer; free < n && e != &x.ring; e = e.newer {
		if e.pins == 0 {
			victims = append(victims, e)
			free += e.cost
		}
	}
	if free < n {
		return nil, false
	}
	for _, e := range victims {
		x.take(e)
	}
	x.used += n
	return victims, true
}

// release gives back n bytes that were promised.
func (x *index) release(n int64) { x.used -= n }

func (x *index) link(e *entry) {
	e.newer, e.older = &x.ring, x.ring.older
	e.older.newer, x.ring.older = e, e
}

func (x *index) unlink(e *entry) {
	e.newer.older, e.older.newer = e.older, e.newer
}
