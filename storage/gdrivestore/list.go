package gdrivestore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/storage"
)

// List goes through the folders that can hold keys with the prefix.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	const op = "list"
	return func(yield func(storage.Info, error) bool) {
		if err := storage.CheckPrefix(prefix); err != nil {
			yield(storage.Info{}, err)
			return
		}
		err := ctx.Err()
		if err == nil {
			s.changes.fresh(ctx)
			l := &lister{s, ctx, prefix, yield}
			_, err = l.folders([]folder{{id: s.root}}, "", nil)
		}
		if err != nil {
			yield(storage.Info{}, fail(op, prefix, err))
		}
	}
}

// lister is a list that goes on.
type lister struct {
	store  *Store
	ctx    context.Context
	prefix string
	yield  func(storage.Info, error) bool
}

// item is all that has one name in some folders: files, or folders.
type item struct {
	name    string // of folders it ends in a slash, by which keys are in order
	files   []entry
	folders []folder
}

// folders lists what is in folders that have one path, "" or one that ends in a
// slash, and that are below others. It returns false if no more is wanted.
func (l *lister) folders(at []folder, dir string, above []string) (bool, error) {
	at = slices.DeleteFunc(at, func(f folder) bool { return slices.Contains(above, f.id) }) // a link leads back
	for _, f := range at {
		above = append(above[:len(above):len(above)], f.id)
	}
	items, err := l.items(at, dir)
	if err != nil {
		return false, err
	}
	for _, it := range items {
		key := dir + it.name
		if len(it.folders) > 0 {
			if more, err := l.folders(it.folders, key, above); !more || err != nil {
				return false, err
			}
			continue
		}
		e, err := l.store.first(l.ctx, it.files)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link that leads nowhere
		}
		if err == nil {
			err = l.ctx.Err()
		}
		if err != nil {
			return false, err
		}
		if !l.yield(e.info(key), nil) {
			return false, nil
		}
	}
	return true, l.ctx.Err()
}

// items returns what is in folders and can have keys with the prefix, in the order
// of the keys.
func (l *lister) items(at []folder, dir string) ([]item, error) {
	var items []item
	index := map[string]int{}
	for _, f := range at {
		in, of, err := l.store.children(l.ctx, f)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, e := range in {
			name := e.Name
			if e.Kind == isFolder {
				name += "/"
			}
			key := dir + name
			if !strings.HasPrefix(key, l.prefix) && (e.Kind != isFolder || !strings.HasPrefix(l.prefix, key)) {
				continue
			}
			i, ok := index[name]
			if !ok {
				i = len(items)
				index[name] = i
				items = append(items, item{name: name})
			}
			if e.Kind == isFolder {
				of.id = e.ID
				items[i].folders = append(items[i].folders, of)
			} else {
				items[i].files = append(items[i].files, e)
			}
		}
	}
	for i := range items {
		slices.SortStableFunc(items[i].files, func(a, b entry) int { return b.Modified.Compare(a.Modified) })
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.name, b.name) })
	return items, nil
}
