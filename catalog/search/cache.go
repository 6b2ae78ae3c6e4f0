package search

import (
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of a cache. Longer texts take less time to send than to parse.
const (
	maxCached     = 500
	maxCachedText = 1 << 10 // bytes
)

// cache keeps what texts mean.
type cache struct {
	mu      sync.Mutex
	parsed  map[string]catalog.Parsed
	newest  int      // where the text is in order that was added last
	inOrder []string // a ring
}

// get returns what a text means at a time, if it is known.
func (c *cache) get(text string, now time.Time) (catalog.Parsed, bool) {
	if len(text) > maxCachedText {
		return catalog.Parsed{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.parsed[text]
	return p, ok && (p.Until.IsZero() || now.Before(p.Until))
}

// put takes the place of the text that was added first, if there are too many.
func (c *cache) put(text string, p catalog.Parsed) {
	if len(text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil {
		c.parsed = map[string]catalog.Parsed{}
	}
	if _, ok := c.parsed[text]; !ok {
		if len(c.inOrder) < maxCached {
			c.inOrder = append(c.inOrder, text)
		} else {
			c.newest = (c.newest + 1) % maxCached
			delete(c.parsed, c.inOrder[c.newest])
			c.inOrder[c.newest] = text
		}
	}
	c.parsed[text] = p
}
