package index

import (
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// collator makes sort keys by the Unicode Collation Algorithm (UTS #10, root
// collation). Not safe for concurrent use.
type collator struct {
	c   *collate.Collator
	buf collate.Buffer
}

func newCollator() *collator { return &collator{c: collate.New(language.Und)} }

// key returns a string of bytes that compares as s sorts. It is valid until
// the next call.
func (c *collator) key(s string) []byte {
	c.buf.Reset()
	return c.c.KeyFromString(&c.buf, s)
}
