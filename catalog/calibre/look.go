package calibre

import (
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/internal/snapshot"
)

// LookKind is how much of the database was read.
type LookKind string

// The kinds of looks.
const (
	// Full is a load of the whole library, Partial a comparison with what is known,
	// and of Unchanged files nothing was read.
	Full      LookKind = "full"
	Partial   LookKind = "partial"
	Unchanged LookKind = "unchanged"
)

// Look is what came of a look at the database, for Options.Observe.
type Look struct {
	Kind LookKind
	// Took is how long all of it took.
	Took time.Duration
	// LockHeld is for how long writers were kept out, LockWaited for how long one
	// kept us out.
	LockHeld, LockWaited time.Duration
	// Missed is a load of the whole library that found what comparisons had not.
	Missed bool
	// Err is why the library could not be read, as errors of Load are.
	Err error
}

func (k *Look) kind(whole bool) {
	if k.Kind = Partial; whole {
		k.Kind = Full
	}
}

func (k *Look) took(c snapshot.Copy) {
	k.LockHeld += c.LockHeld
	k.LockWaited += c.LockWaited
}

// tell tells who observes of a look that began at that time.
func (l *Library) tell(look Look, began time.Time) {
	if l.options.Observe != nil {
		look.Took = l.now().Sub(began)
		l.options.Observe(look)
	}
}
