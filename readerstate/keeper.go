package readerstate

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Everything is all that is kept of one book for a user.
type Everything struct {
	Mark
	// Places are those of all families, by family.
	Places []Place
	// History is that of Places.History.
	History []Past
}

// Keeper looks after what is kept. Implementations are safe for concurrent use.
type Keeper interface {
	// Everything returns all that is kept of a user's books, by name, from behind
	// after on, at most limit of them, 1 to MaxBooks.
	Everything(ctx context.Context, user UserID, after Book, limit int) ([]Everything, error)

	// Erase removes all that is kept for a user.
	Erase(ctx context.Context, user UserID) error

	// Rekey gives what is kept of one book to another, for all users, and returns
	// for how many. Where the other has state, too, the two become one (Merge).
	Rekey(ctx context.Context, from, to Book) (users int, err error)

	// ExpireWrites forgets Write.IDs that were used before that time.
	ExpireWrites(ctx context.Context, before time.Time) error
}

// KeepWrites is for how long a server should remember Write.IDs.
const KeepWrites = 30 * 24 * time.Hour

// Store is all roles.
type Store struct {
	Marks
	Places
	Lists
	ListBooks
	Profiles
	Keeper
}

// All is who plays all roles, as the adapters do.
func All[T interface {
	Marks
	Places
	Lists
	ListBooks
	Profiles
	Keeper
}](s T) Store {
	return Store{s, s, s, s, s, s}
}

// Merge returns what is kept of two books that turn out to be one: of each record
// the one that was changed last, with a version that neither had, and of the
// history the newest. The name is that of e.
func (e Everything) Merge(other Everything) Everything {
	m := e
	if version := max(e.Favorite.Version, other.Favorite.Version); version > 0 {
		if other.Favorite.Since.After(e.Favorite.Since) {
			m.Favorite = other.Favorite
		}
		m.Favorite.Version = version + 1
	}
	if version := max(e.Reading.Version, other.Reading.Version); version > 0 {
		if other.Reading.Changed.After(e.Reading.Changed) {
			m.Reading = other.Reading
		}
		m.Reading.Version = version + 1
	}
	if version := max(e.Rating.Version, other.Rating.Version); version > 0 {
		if other.Rating.Changed.After(e.Rating.Changed) {
			m.Rating = other.Rating
		}
		m.Rating.Version = version + 1
	}
	if other.Read.After(e.Read) {
		m.Read = other.Read
	}
	m.Places = slices.Clone(e.Places)
	for _, p := range other.Places {
		i := slices.IndexFunc(m.Places, func(q Place) bool { return q.Family == p.Family })
		if i < 0 {
			m.Places = append(m.Places, p)
			continue
		}
		version := max(p.Version, m.Places[i].Version) + 1
		if p.Newer(m.Places[i]) {
			m.Places[i] = p
		}
		m.Places[i].Version = version
	}
	slices.SortFunc(m.Places, func(a, b Place) int { return cmp.Compare(a.Family, b.Family) })
	m.History = append(slices.Clone(e.History), other.History...)
	slices.SortStableFunc(m.History, func(a, b Past) int { return cmp.Or(b.Received.Compare(a.Received), cmp.Compare(b.N, a.N)) })
	m.History = m.History[:min(len(m.History), MaxHistory)]
	for i := range m.History {
		m.History[i].N = int64(len(m.History) - i)
	}
	m.Place = Newest(m.Places)
	return m
}

// Newest returns the newest of some places, nil of none.
func Newest(places []Place) *Place {
	var newest *Place
	for i := range places {
		if newest == nil || places[i].Newer(*newest) {
			newest = &places[i]
		}
	}
	return newest
}
