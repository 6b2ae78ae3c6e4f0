package readerstate

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// How much lists may hold.
const (
	MaxLists           = 500    // of one user
	MaxListBooks       = 10_000 // in one list
	MaxListName        = 200    // bytes
	MaxListDescription = 4000   // bytes
)

// List is a reading list: books in an order.
type List struct {
	// ID is a UUID, which whoever makes the list chooses.
	ID                string
	Owner             UserID
	Name, Description string
	// Public lets all others read it.
	Public bool
	// Books is how many it holds.
	Books            int
	Created, Changed time.Time
	Version          int64
}

// ListChange is what is to be different; nil stays as it is.
type ListChange struct {
	Name, Description *string
	Public            *bool
}

// ListBook is a book in a list.
type ListBook struct {
	Book  Book
	Added time.Time
}

// Spot is where in a list a book goes. The zero value leaves one that is in the
// list where it is, and puts others at its end.
type Spot struct {
	// Before is the book that it goes before.
	Before Book
	// End is the end of the list.
	End bool
}

// Lists keeps reading lists. Implementations are safe for concurrent use, and
// what they acknowledge is kept.
type Lists interface {
	// CreateList adds a list of the user; Version, times and Books are not looked
	// at. If the user has one of this ID already it is returned as it is, and
	// created is false. An ID that somebody else has, or that was deleted, is
	// ErrTaken.
	CreateList(ctx context.Context, user UserID, l List) (_ List, created bool, err error)

	// List returns a list that is the user's, or public, or ErrNotFound.
	List(ctx context.Context, user UserID, id string) (List, error)

	// ListsOf returns the user's lists, in the order in which they were made.
	ListsOf(ctx context.Context, user UserID) ([]List, error)

	// PublicLists returns the public lists of all users, by ID, from behind after
	// on, at most limit of them, 1 to MaxBooks.
	PublicLists(ctx context.Context, after string, limit int) ([]List, error)

	// ChangeList changes a list of the user, or returns ErrNotFound.
	ChangeList(ctx context.Context, user UserID, id string, c ListChange, w Write) (List, error)

	// DeleteList removes a list of the user, or returns ErrNotFound.
	DeleteList(ctx context.Context, user UserID, id string, w Write) error
}

// ListBooks keeps what is in reading lists. Implementations are safe for
// concurrent use, and what they acknowledge is kept.
type ListBooks interface {
	// BooksIn returns the books of a list that is the user's, or public, in
	// their order, from behind that book on ("" is the begin; one that is not in
	// the list is ErrNotFound), at most limit of them, 1 to MaxBooks.
	BooksIn(ctx context.Context, user UserID, id string, after Book, limit int) ([]ListBook, error)

	// PutBook puts a book into a list of the user, or moves it there. What is
	// there already changes nothing. A list that is not there, and a Spot.Before
	// that is not in it, are ErrNotFound.
	PutBook(ctx context.Context, user UserID, id string, b Book, at Spot, w Write) (List, error)

	// RemoveBook takes a book out of a list of the user. One that is not in it
	// changes nothing.
	RemoveBook(ctx context.Context, user UserID, id string, b Book, w Write) (List, error)
}

// Check returns an InvalidError for a list that cannot be kept.
func (l List) Check() error {
	switch {
	case !isUUID(l.ID) || strings.ToLower(l.ID) != l.ID:
		return &InvalidError{"id", "a UUID in lower case was expected"}
	case strings.TrimSpace(l.Name) == "" || len(l.Name) > MaxListName || !printable(l.Name, false):
		return &InvalidError{"name", fmt.Sprintf("1 to %d bytes of text were expected", MaxListName)}
	case len(l.Description) > MaxListDescription || !printable(l.Description, true):
		return &InvalidError{"description", fmt.Sprintf("at most %d bytes of text were expected", MaxListDescription)}
	}
	return nil
}

// Set returns the list after a change. What is so already stays as it is.
func (l List) Set(c ListChange, w Write, now time.Time) (List, error) {
	if err := w.allows(l.Version, l); err != nil {
		return l, err
	}
	next := l
	if c.Name != nil {
		next.Name = *c.Name
	}
	if c.Description != nil {
		next.Description = *c.Description
	}
	if c.Public != nil {
		next.Public = *c.Public
	}
	if err := next.Check(); err != nil || next == l {
		return l, err
	}
	return next.Touch(Write{}, now)
}

// Touch returns the list after its books have changed.
func (l List) Touch(w Write, now time.Time) (List, error) {
	if err := w.allows(l.Version, l); err != nil {
		return l, err
	}
	l.Changed, l.Version = Stamp(now), l.Version+1
	return l, nil
}

// errFull is a list that holds no more.
func errFull() error {
	return &InvalidError{"books", fmt.Sprintf("a list holds at most %d books", MaxListBooks)}
}

// CheckRoom returns an InvalidError for a list that holds no more books.
func (l List) CheckRoom() error {
	if l.Books >= MaxListBooks {
		return errFull()
	}
	return nil
}

// CheckLists returns an InvalidError for a user who may have no more than these
// lists.
func CheckLists(n int) error {
	if n >= MaxLists {
		return &InvalidError{"lists", fmt.Sprintf("a user has at most %d lists", MaxLists)}
	}
	return nil
}
