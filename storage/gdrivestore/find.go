package gdrivestore

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/drive/v3"
)

// find looks for the file that stands for a key. That there is none is said only
// if Drive has been asked.
func (s *Store) find(ctx context.Context, key string) (entry, error) {
	if err := ctx.Err(); err != nil {
		return entry{}, err
	}
	s.changes.fresh(ctx)
	mark := s.changes.mark()
	if e, ok := s.recent.get(key, mark); ok {
		return e, nil
	}
	names := strings.Split(key, "/")
	e, err := s.search(ctx, names)
	if errors.Is(err, fs.ErrNotExist) {
		changed, bad := s.changes.look(ctx)
		switch {
		case bad != nil:
			err = bad
		case changed:
			mark = s.changes.mark()
			e, err = s.search(ctx, names)
		}
	}
	switch {
	case err == nil:
		s.recent.put(key, e, mark)
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		err = unavailable(errSlow) // and not the caller's
	}
	return e, err
}

const (
	// hedge is how long a walk through the tree may take before a guess is made
	// beside it: what other processes know comes faster.
	hedge = 25 * time.Millisecond
	// mostGuesses are made at a time, and mostWalks go on without those who began
	// them: many who ask at once are served by what the first ones learn.
	mostGuesses = 4
	mostWalks   = 64
)

// search walks through the tree. Where it would have to ask Drive for one folder
// after the other, all is asked for at once, by name; the walk goes on, for the sake
// of those who come later.
func (s *Store) search(ctx context.Context, names []string) (entry, error) {
	from, missing := s.unknown(names)
	if missing < 2 || !take(s.walks) {
		return s.walk(ctx, names)
	}
	type found struct {
		e   entry
		err error
	}
	walked := make(chan found, 1)
	go func() {
		defer func() { <-s.walks }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
		defer cancel()
		e, err := s.walk(ctx, names)
		walked <- found{e, err}
	}()
	t := time.NewTimer(hedge)
	defer t.Stop()
	select {
	case f := <-walked:
		return f.e, f.err
	case <-ctx.Done():
		return entry{}, ctx.Err()
	case <-t.C:
	}
	guessed := make(chan found, 1)
	if take(s.guesses) {
		go func() {
			defer func() { <-s.guesses }()
			e, err := s.guess(ctx, from, names[len(names)-missing:], strings.Join(names, "/"))
			guessed <- found{e, err}
		}()
	}
	for {
		select {
		case f := <-walked:
			return f.e, f.err
		case f := <-guessed:
			if f.err == nil {
				return f.e, nil
			}
			guessed = nil
		case <-ctx.Done():
			return entry{}, ctx.Err()
		}
	}
}

// take takes a place, if there is one.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// unknown returns how many of the folders on the way to a file this process does
// not know, and the id of the first of them.
func (s *Store) unknown(names []string) (first string, n int) {
	f := folder{id: s.root}
	for i := range names {
		key, _ := f.group()
		v, ok := s.peek(key)
		if !ok {
			return f.id, len(names) - i
		}
		in, ok := v.In[f.id]
		if !ok {
			return f.id, len(names) - i
		}
		j := slices.IndexFunc(named(in, names[i]), func(e entry) bool { return e.Kind == isFolder })
		if j < 0 {
			return f.id, 0 // it ends here
		}
		f = folder{named(in, names[i])[j].ID, v, key}
	}
	return f.id, 0
}

// walk goes from folder to folder.
func (s *Store) walk(ctx context.Context, names []string) (entry, error) {
	at := []folder{{id: s.root}}
	last := len(names) - 1
	for i, name := range names[:last] {
		next, err := s.step(ctx, at, func(in []entry) []entry { return named(in, name) })
		if number := bookNumber(name); err == nil && len(next) == 0 && number != "" && i == last-1 {
			next, err = s.step(ctx, at, func(in []entry) []entry { return numbered(in, number) })
			if err == nil && len(next) == 0 {
				next, err = s.anywhere(ctx, number)
			}
		} else if err == nil && len(next) == 0 && i == last-2 { // the author's has another name
			if number = bookNumber(names[last-1]); number != "" {
				next, err = s.anywhere(ctx, number)
				if err == nil && len(next) > 0 {
					at = next
					break
				}
			}
		}
		if err != nil {
			return entry{}, err
		}
		if len(next) == 0 {
			return entry{}, fs.ErrNotExist
		}
		at = next
	}
	loose := last > 0 && bookNumber(names[last-1]) != ""
	for _, pick := range []func([]entry) []entry{
		func(in []entry) []entry { return named(in, names[last]) },
		func(in []entry) []entry { return alike(in, names[last]) },
	} {
		for _, f := range at {
			in, _, err := s.children(ctx, f)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return entry{}, err
			}
			e, err := s.first(ctx, pick(in))
			if !errors.Is(err, fs.ErrNotExist) {
				return e, err
			}
		}
		if !loose {
			break
		}
	}
	return entry{}, fs.ErrNotExist
}

// step returns the folders that pick finds in some folders.
func (s *Store) step(ctx context.Context, at []folder, pick func([]entry) []entry) ([]folder, error) {
	var next []folder
	for _, f := range at {
		in, of, err := s.children(ctx, f)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has gone, or a link leads nowhere
		}
		if err != nil {
			return nil, err
		}
		for _, e := range pick(in) {
			if e.Kind == isFolder {
				of.id = e.ID
				next = append(next, of)
			}
		}
	}
	return next, nil
}

// first returns the first file, of which a link is what it leads to.
func (s *Store) first(ctx context.Context, in []entry) (entry, error) {
	for _, e := range in {
		switch e.Kind {
		case isFile:
			return e, nil
		case isLink:
			to, err := s.target(ctx, e)
			if !errors.Is(err, fs.ErrNotExist) {
				return to, err
			}
		}
	}
	return entry{}, fs.ErrNotExist
}

// bookNumber returns " (12)" of a folder of Calibre's such as "The Tide Clerk (12)".
func bookNumber(name string) string {
	i := strings.LastIndex(name, " (")
	if i < 0 || len(name) < i+4 || name[len(name)-1] != ')' {
		return ""
	}
	digits := name[i+2 : len(name)-1]
	if strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return name[i:]
}

// numbered returns the folders whose names end in a number, the newest first.
func numbered(in []entry, number string) (found []entry) {
	for _, e := range in {
		if e.Kind == isFolder && strings.HasSuffix(e.Name, number) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return b.Modified.Compare(a.Modified) })
	return found
}

// alike returns the files with the extension of a name, the newest first. The names
// that Calibre gives to more than books are not looked for so.
func alike(in []entry, name string) (found []entry) {
	ext := path.Ext(name)
	if ext == "" || name == "cover.jpg" || name == "metadata.opf" {
		return nil
	}
	for _, e := range in {
		if e.Kind != isFolder && strings.EqualFold(path.Ext(e.Name), ext) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return b.Modified.Compare(a.Modified) })
	return found
}

// mostAnywhere bounds the folders that are looked through for a number.
const mostAnywhere = 3 * pageSize

// anywhere looks for the folder of a book in all of the store's folders.
func (s *Store) anywhere(ctx context.Context, number string) ([]folder, error) {
	v, err := s.get(ctx, "number/"+number, anything, func(ctx context.Context) (*seen, error) {
		in := map[string][]entry{}
		q := "name contains " + quote(strings.TrimSpace(number)) + " and mimeType = " + quote(typeFolder) + " and trashed = false"
		n := 0
		err := s.query(ctx, s.changes.driveID(), q, func(f *drive.File) bool {
			if e, ok := entryOf(f); ok && strings.HasSuffix(e.Name, number) {
				for _, parent := range f.Parents {
					in[parent] = append(in[parent], e)
				}
			}
			n++
			return n < mostAnywhere // Drive looks for the beginnings of words
		})
		return &seen{In: in, Brief: true}, err
	})
	if err != nil || len(v.In) == 0 {
		return nil, err
	}
	authors, of, err := s.children(ctx, folder{id: s.root})
	if err != nil {
		return nil, err
	}
	var found []folder
	for _, a := range authors {
		if _, ok := v.In[a.ID]; !ok || a.Kind != isFolder {
			continue
		}
		of.id = a.ID
		next, err := s.step(ctx, []folder{of}, func(in []entry) []entry { return numbered(in, number) })
		if err != nil {
			return nil, err
		}
		found = append(found, next...)
	}
	return found, nil
}

// errUnsure says that a guess was not good enough.
var errUnsure = errors.New("not found by name alone")

// guess asks for the folders on the way to a file, and for the file, at once: by
// names, and from a known folder on. The answer counts if there is one way only.
func (s *Store) guess(ctx context.Context, from string, names []string, key string) (entry, error) {
	last := len(names) - 1
	if last < 1 || names[last] == "cover.jpg" || names[last] == "metadata.opf" { // there are as many as books
		return entry{}, errUnsure
	}
	v, err := s.get(ctx, "guess/"+from+"/"+key, anything, func(ctx context.Context) (*seen, error) {
		var any []string
		for _, name := range names {
			any = append(any, "name = "+quote(name))
		}
		q := "trashed = false and (" + strings.Join(any, " or ") + ")"
		in := map[string][]entry{}
		n := 0
		err := s.query(ctx, s.changes.driveID(), q, func(f *drive.File) bool {
			if e, ok := entryOf(f); ok {
				for _, parent := range f.Parents {
					in[parent] = append(in[parent], e)
				}
			}
			n++
			return n < pageSize
		})
		if err == nil && n == pageSize {
			err = errUnsure
		}
		if err != nil {
			return nil, err
		}
		way := map[string][]entry{}
		at := from
		for i, name := range names {
			var next []entry
			for _, e := range in[at] {
				if e.Name == name {
					next = append(next, e)
				}
			}
			if len(next) != 1 || next[0].Kind == isLink || (next[0].Kind == isFolder) != (i < last) {
				return nil, errUnsure
			}
			way[at] = next
			at = next[0].ID
		}
		return &seen{In: way}, nil
	})
	if err != nil {
		return entry{}, err
	}
	at := from
	for range names[:last] {
		if len(v.In[at]) == 0 {
			return entry{}, errUnsure
		}
		at = v.In[at][0].ID
	}
	if len(v.In[at]) == 0 {
		return entry{}, errUnsure
	}
	return v.In[at][0], nil
}
