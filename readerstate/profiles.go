package readerstate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// MaxPreferences is how long preferences may be, in bytes.
const MaxPreferences = 64 << 10

// Preferences is what clients keep for a user.
type Preferences struct {
	// JSON is an object, as it was given; nil is none.
	JSON    json.RawMessage
	Changed time.Time
	Version int64
}

// Profiles keeps preferences. Implementations are safe for concurrent use, and
// what they acknowledge is kept.
type Profiles interface {
	// Preferences returns a user's preferences.
	Preferences(ctx context.Context, user UserID) (Preferences, error)

	// SetPreferences replaces them.
	SetPreferences(ctx context.Context, user UserID, object json.RawMessage, w Write) (Preferences, error)
}

// Set returns the preferences after a change.
func (p Preferences) Set(object json.RawMessage, w Write, now time.Time) (Preferences, error) {
	if err := w.allows(p.Version, p); err != nil {
		return p, err
	}
	var members map[string]json.RawMessage
	if len(object) > MaxPreferences || !printable(string(object), true) || json.Unmarshal(object, &members) != nil || members == nil {
		return p, &InvalidError{"preferences", fmt.Sprintf("a JSON object of at most %d bytes was expected", MaxPreferences)}
	}
	if string(p.JSON) == string(object) {
		return p, nil
	}
	return Preferences{object, Stamp(now), p.Version + 1}, nil
}
