package covers

import (
	"container/list"
	"sync"
)

// picture is a finished picture, or why there is none.
type picture struct {
	jpeg []byte
	err  error
}

// memory keeps pictures, those used last, up to a limit in bytes.
type memory struct {
	limit   int64
	mu      sync.Mutex
	bytes   int64
	entries map[key]*list.Element
	order   list.List // of *entry, the last used first
}

type entry struct {
	key key
	picture
}

// entryOverhead is about what an entry takes beside its picture.
const entryOverhead = 256

func (e *entry) cost() int64 { return int64(cap(e.jpeg)) + entryOverhead }

func (m *memory) get(k key) (picture, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	el := m.entries[k]
	if el == nil {
		return picture{}, false
	}
	m.order.MoveToFront(el)
	return el.Value.(*entry).picture, true
}

// put keeps p. One picture may take at most an eighth of the memory, or a few
// would push all others out.
func (m *memory) put(k key, p picture) {
	e := &entry{k, p}
	if e.cost() > m.limit/8 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = make(map[key]*list.Element)
	}
	if el := m.entries[k]; el != nil {
		m.drop(el)
	}
	m.entries[k] = m.order.PushFront(e)
	m.bytes += e.cost()
	for m.bytes > m.limit {
		m.drop(m.order.Back())
	}
}

func (m *memory) drop(el *list.Element) {
	e := m.order.Remove(el).(*entry)
	delete(m.entries, e.key)
	m.bytes -= e.cost()
}
