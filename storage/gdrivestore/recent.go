package gdrivestore

import (
	"sync"
	"time"
)

// recent is what was found a moment ago: who looks at a file opens it next, and
// caches may take a while to give back what they were given.
type recent struct {
	mu    sync.Mutex
	found map[string]found
}

type found struct {
	file entry
	till time.Time
	mark int64 // how much was in the log of changes
}

const (
	recentTime = 5 * time.Second
	mostRecent = 1000
)

// get returns what was found, if nothing has changed since.
func (r *recent) get(key string, mark int64) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.found[key]
	return f.file, ok && f.mark == mark && time.Now().Before(f.till)
}

// put keeps what was found while so much was in the log.
func (r *recent) put(key string, file entry, mark int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil || len(r.found) >= mostRecent {
		r.found = map[string]found{}
	}
	r.found[key] = found{file, time.Now().Add(recentTime), mark}
}
