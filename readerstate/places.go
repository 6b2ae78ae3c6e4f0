package readerstate

import (
	"context"
	"fmt"
	"math"
	"time"
)

// LocatorType says how a locator names a place.
type LocatorType string

// The types.
const (
	CFI      LocatorType = "cfi"      // EPUB Canonical Fragment Identifier
	XPointer LocatorType = "xpointer" // KOReader (crengine)
	Page     LocatorType = "page"     // a number
	Readium  LocatorType = "readium"  // Locator, as JSON
	Other    LocatorType = "other"
)

// Position is where in a book a device is.
type Position struct {
	// Family is what devices that understand each other's locators have in
	// common: "koreader", "web", …; 1 to 32 lower-case letters, digits, '.', '_'
	// and '-'.
	Family string
	Type   LocatorType
	// Locator is kept as it is, up to MaxLocator bytes.
	Locator string
	// Progression is how much of the whole book lies before it, 0 to 1.
	Progression float64
	// Device is the device's name, for people, and DeviceID tells it from others;
	// up to 200 bytes each, may be empty.
	Device, DeviceID string
	// At is when the reader was there, by the device's clock. Zero is not known.
	At time.Time
}

// MaxLocator is how long a locator may be, in bytes.
const MaxLocator = 8 << 10

// Place is the position of the devices of one family in a book.
type Place struct {
	Position
	// Received is when it came, by our clock.
	Received time.Time
	// Since is what newer places must not lie before: At, but no later than
	// Received, because clocks of devices go wrong.
	Since   time.Time
	Version int64
}

// Fate is what became of a position.
type Fate string

// The fates.
const (
	Kept   Fate = "kept"   // it is the place, or was
	Late   Fate = "late"   // it came after one that was newer
	Undone Fate = "undone" // the reader has taken it back
)

// Past is a position of the history of a book.
type Past struct {
	// N grows with each position of the book.
	N int64
	Position
	Received time.Time
	Fate     Fate
}

// MaxHistory is how many positions of a book are kept.
const MaxHistory = 50

// Places keeps where readers are in their books. Implementations are safe for
// concurrent use, and what they acknowledge is kept.
type Places interface {
	// SetPlace tells where a reader is. The newest position of a family wins, by
	// Place.Since, of equal ones the one that came last; with Write.If the version
	// decides. won is false if the place that is returned is another, newer one.
	// Either way the position is in the history. The status of the book follows
	// one that has won (Reading.Follow).
	SetPlace(ctx context.Context, user UserID, book Book, p Position, w Write) (place Place, won bool, err error)

	// PlacesIn returns the places of all families, the newest first.
	PlacesIn(ctx context.Context, user UserID, book Book) ([]Place, error)

	// History returns the last MaxHistory positions of a book, of all families,
	// the one that came last first.
	History(ctx context.Context, user UserID, book Book) ([]Past, error)

	// Undo takes the place of a family back to the one before it, and again to the
	// one before that. Without one it is ErrNotFound.
	Undo(ctx context.Context, user UserID, book Book, family string, w Write) (Place, error)

	// ForgetPlaces removes all places in a book, and their history. Its status
	// stays, and so do versions: a family's next place does not have one again that
	// the last ones had. Write.If is not looked at.
	ForgetPlaces(ctx context.Context, user UserID, book Book, w Write) error
}

// Check returns an InvalidError for a position that cannot be kept.
func (p Position) Check() error {
	if err := CheckFamily(p.Family); err != nil {
		return err
	}
	switch p.Type {
	case CFI, XPointer, Page, Readium, Other:
	default:
		return &InvalidError{"locator_type", `"cfi", "xpointer", "page", "readium" or "other" was expected`}
	}
	switch {
	case len(p.Locator) > MaxLocator || !printable(p.Locator, true):
		return &InvalidError{"locator", fmt.Sprintf("at most %d bytes of text were expected", MaxLocator)}
	case math.IsNaN(p.Progression) || p.Progression < 0 || p.Progression > 1:
		return &InvalidError{"progression", "a number from 0 to 1 was expected"}
	case len(p.Device) > 200 || !printable(p.Device, false):
		return &InvalidError{"device", "at most 200 bytes of text were expected"}
	case len(p.DeviceID) > 200 || !printable(p.DeviceID, false):
		return &InvalidError{"device_id", "at most 200 bytes of text were expected"}
	case !p.At.IsZero() && (p.At.Year() < 1970 || p.At.Year() > 9999):
		return &InvalidError{"at", "a time since 1970 was expected"}
	}
	return nil
}

// CheckFamily returns an InvalidError for what is not the name of a family.
func CheckFamily(s string) error {
	ok := len(s) >= 1 && len(s) <= 32
	for i := range len(s) {
		c := s[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return &InvalidError{"family", "1 to 32 lower-case letters, digits, '.', '_' and '-' were expected"}
	}
	return nil
}

// Set returns the place after a position was told, and whether that won.
func (p Place) Set(next Position, w Write, now time.Time) (_ Place, won bool, err error) {
	now = Stamp(now)
	next.At = Stamp(next.At)
	since := next.At
	if since.IsZero() || since.After(now) {
		since = now
	}
	if err := w.allows(p.Version, p); err != nil {
		return p, false, err
	}
	if p.Version > 0 && w.If == nil && since.Before(p.Since) {
		return p, false, nil
	}
	return Place{next, now, since, p.Version + 1}, true, nil
}

// Undo returns the place after it was taken back. kept are the last positions of
// its family that are Kept, the newest first, which is the place itself.
func (p Place) Undo(kept []Past, w Write, now time.Time) (Place, error) {
	if p.Version == 0 || len(kept) < 2 {
		return p, fmt.Errorf("a place before this one: %w", ErrNotFound)
	}
	if err := w.allows(p.Version, p); err != nil {
		return p, err
	}
	now = Stamp(now)
	return Place{kept[1].Position, now, now, p.Version + 1}, nil
}

// Repeats tells whether a position says nothing that the place does not, but for
// the time.
func (p Place) Repeats(next Position) bool {
	was := p.Position
	was.At, next.At = time.Time{}, time.Time{}
	return p.Version > 0 && was == next
}

// Newer tells whether a place is newer than another.
func (p Place) Newer(q Place) bool {
	if !p.Since.Equal(q.Since) {
		return p.Since.After(q.Since)
	}
	if !p.Received.Equal(q.Received) {
		return p.Received.After(q.Received)
	}
	return p.Family < q.Family
}
