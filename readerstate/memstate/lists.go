package memstate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// list is a list with what is in it.
type list struct {
	readerstate.List
	n       int // the owner's lists are in the order of it
	deleted bool
	in      []readerstate.ListBook
}

// CreateList adds a list.
func (s *Store) CreateList(ctx context.Context, user readerstate.UserID, l readerstate.List) (_ readerstate.List, created bool, err error) {
	if err := l.Check(); err != nil {
		return readerstate.List{}, false, err
	}
	err = s.write(ctx, user, readerstate.Write{}, func(r *reader, now time.Time, _ bool) error {
		if old := s.lists[l.ID]; old != nil {
			if old.Owner != user || old.deleted {
				return fmt.Errorf("create list: %w", readerstate.ErrTaken)
			}
			l = old.List
			return nil
		}
		if err := readerstate.CheckLists(len(s.listsOf(user))); err != nil {
			return err
		}
		r.made++
		l.Owner, l.Books, l.Version, l.Created, l.Changed = user, 0, 1, now, now
		if s.lists == nil {
			s.lists = map[string]*list{}
		}
		s.lists[l.ID] = &list{List: l, n: r.made}
		created = true
		return nil
	})
	if err != nil {
		return readerstate.List{}, false, err
	}
	return l, created, nil
}

// listsOf returns a user's lists, in order.
func (s *Store) listsOf(user readerstate.UserID) []*list {
	lists := slices.Collect(maps.Values(s.lists))
	lists = slices.DeleteFunc(lists, func(l *list) bool { return l.Owner != user || l.deleted })
	slices.SortFunc(lists, func(a, b *list) int { return cmp.Compare(a.n, b.n) })
	return lists
}

// shown returns a list that a user may read.
func (s *Store) shown(user readerstate.UserID, id string) (*list, error) {
	l := s.lists[id]
	if l == nil || l.deleted || l.Owner != user && !l.Public {
		return nil, fmt.Errorf("list: %w", readerstate.ErrNotFound)
	}
	return l, nil
}

// List returns a list.
func (s *Store) List(ctx context.Context, user readerstate.UserID, id string) (readerstate.List, error) {
	if err := ctx.Err(); err != nil {
		return readerstate.List{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.shown(user, id)
	if err != nil {
		return readerstate.List{}, err
	}
	return l.List, nil
}

// ListsOf returns a user's lists.
func (s *Store) ListsOf(ctx context.Context, user readerstate.UserID) ([]readerstate.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lists := []readerstate.List{}
	for _, l := range s.listsOf(user) {
		lists = append(lists, l.List)
	}
	return lists, nil
}

// PublicLists returns the public lists of all.
func (s *Store) PublicLists(ctx context.Context, after string, limit int) ([]readerstate.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lists := []readerstate.List{}
	for _, id := range slices.Sorted(maps.Keys(s.lists)) {
		if l := s.lists[id]; l.Public && id > after && len(lists) < min(max(limit, 1), readerstate.MaxBooks) {
			lists = append(lists, l.List)
		}
	}
	return lists, nil
}

// changeList runs f with a list of the user, and returns what it leaves.
func (s *Store) changeList(ctx context.Context, user readerstate.UserID, id string, w readerstate.Write, f func(l *list, now time.Time) error) (then readerstate.List, err error) {
	err = s.write(ctx, user, w, func(_ *reader, now time.Time, repeated bool) error {
		l := s.lists[id]
		if l == nil || l.deleted || l.Owner != user {
			return fmt.Errorf("list: %w", readerstate.ErrNotFound)
		}
		if !repeated {
			if err := f(l, now); err != nil {
				return err
			}
		}
		then = l.List
		return nil
	})
	return orZero(then, err)
}

// ChangeList changes a list.
func (s *Store) ChangeList(ctx context.Context, user readerstate.UserID, id string, c readerstate.ListChange, w readerstate.Write) (readerstate.List, error) {
	return s.changeList(ctx, user, id, w, func(l *list, now time.Time) (err error) {
		l.List, err = l.Set(c, w, now)
		return err
	})
}

// DeleteList removes a list.
func (s *Store) DeleteList(ctx context.Context, user readerstate.UserID, id string, w readerstate.Write) error {
	_, err := s.changeList(ctx, user, id, w, func(l *list, now time.Time) error {
		next, err := l.Touch(w, now)
		if err != nil {
			return err
		}
		*l = list{List: readerstate.List{ID: id, Owner: user, Version: next.Version}, deleted: true}
		return nil
	})
	return err
}

func (l *list) find(b readerstate.Book) int {
	return slices.IndexFunc(l.in, func(e readerstate.ListBook) bool { return e.Book == b })
}

// BooksIn returns the books of a list.
func (s *Store) BooksIn(ctx context.Context, user readerstate.UserID, id string, after readerstate.Book, limit int) ([]readerstate.ListBook, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.shown(user, id)
	if err != nil {
		return nil, err
	}
	begin := 0
	if after != "" {
		if begin = l.find(after) + 1; begin == 0 {
			return nil, fmt.Errorf("book %s: %w", after, readerstate.ErrNotFound)
		}
	}
	books := l.in[begin:]
	return append([]readerstate.ListBook{}, books[:min(len(books), max(limit, 1), readerstate.MaxBooks)]...), nil
}

// PutBook puts a book into a list, or moves it there.
func (s *Store) PutBook(ctx context.Context, user readerstate.UserID, id string, b readerstate.Book, at readerstate.Spot, w readerstate.Write) (readerstate.List, error) {
	if _, err := readerstate.ParseBook(string(b)); err != nil {
		return readerstate.List{}, err
	}
	return s.changeList(ctx, user, id, w, func(l *list, now time.Time) error {
		next, err := l.Touch(w, now)
		if err != nil {
			return err
		}
		was, entry := l.find(b), readerstate.ListBook{Book: b, Added: now}
		if was < 0 {
			if err := l.CheckRoom(); err != nil {
				return err
			}
		} else if entry = l.in[was]; at == (readerstate.Spot{}) {
			return nil
		}
		rest := l.in
		if was >= 0 {
			rest = slices.Delete(slices.Clone(rest), was, was+1)
		}
		to := len(rest)
		if at.Before == b && was >= 0 {
			to = was
		} else if at.Before != "" {
			to = slices.IndexFunc(rest, func(e readerstate.ListBook) bool { return e.Book == at.Before })
		}
		if to < 0 {
			return fmt.Errorf("book %s: %w", at.Before, readerstate.ErrNotFound)
		}
		if to == was {
			return nil
		}
		l.in = slices.Insert(rest, to, entry)
		l.List = next
		l.Books = len(l.in)
		return nil
	})
}

// RemoveBook takes a book out of a list.
func (s *Store) RemoveBook(ctx context.Context, user readerstate.UserID, id string, b readerstate.Book, w readerstate.Write) (readerstate.List, error) {
	if _, err := readerstate.ParseBook(string(b)); err != nil {
		return readerstate.List{}, err
	}
	return s.changeList(ctx, user, id, w, func(l *list, now time.Time) error {
		next, err := l.Touch(w, now)
		if err != nil {
			return err
		}
		was := l.find(b)
		if was < 0 {
			return nil
		}
		l.in = slices.Delete(l.in, was, was+1)
		l.List = next
		l.Books = len(l.in)
		return nil
	})
}

// rekey gives a book's place to another, and tells whether there was one.
func (l *list) rekey(from, to readerstate.Book, now time.Time) bool {
	was := l.find(from)
	if was < 0 {
		return false
	}
	if l.find(to) >= 0 {
		l.in = slices.Delete(l.in, was, was+1)
	} else {
		l.in[was].Book = to
	}
	l.Books, l.Changed, l.Version = len(l.in), now, l.Version+1
	return true
}
