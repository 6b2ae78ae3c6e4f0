package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/inspect"
)

// libraryExam is the examination of a library.
type libraryExam struct {
	*examination
	Library

	turn   sync.Mutex
	loaded bool
	copied *inspect.Copy
	books  *calibre.Library
	err    error
}

// lockWait is how long a writer may hold the database without being noted.
const lockWait = 5 * time.Second

// load copies the database and makes a catalog of the copy, once. The copy goes
// with the examination's folder.
func (x *libraryExam) load(ctx context.Context) error {
	x.turn.Lock()
	defer x.turn.Unlock()
	if x.loaded {
		return x.err
	}
	x.loaded = true
	x.copied, x.err = inspect.Take(ctx, x.database(), inspect.Options{Dir: x.snapshotDir(), Wait: lockWait})
	if x.err != nil {
		return x.err
	}
	l := x.Library
	l.Database = x.copied.Path
	c := x.config
	c.DataDir, c.NoWatch, c.Logger = x.scratch, true, discard()
	if x.books, x.err = c.openCatalog(l, "", nil); x.err == nil {
		x.err = x.books.Load(ctx)
	}
	return x.err
}

// checkFolder looks whether the folder is there and can be read.
func (x *libraryExam) checkFolder(_ context.Context, r *findings) {
	const name = "set CALIBRE_LIBRARY_PATH to the folder that Calibre shows as its library, the one that holds metadata.db; in a container see that it is mounted"
	allow := fmt.Sprintf("let the user that runs the server (%d) read it: chmod -R a+rX, or an ACL; in a container set user: to the owner's number", os.Getuid())
	info, err := os.Stat(x.Path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		r.fault(allow, "%s may not be looked at: %v", x.Path, err)
		return
	case err != nil:
		r.fault(name, "there is no library: %v", err)
		return
	case !info.IsDir():
		r.fault(name, "%s is not a folder", x.Path)
		return
	}
	if _, err := os.ReadDir(x.Path); err != nil {
		r.fault(allow, "the folder cannot be read: %v", err)
		return
	}
	if _, err := os.Stat(x.database()); err != nil {
		r.fault(name, "Calibre's database was expected at %s: %v", x.database(), err)
		return
	}
	r.ok("%s is there and can be read", x.Path)
}

// checkDatabase copies metadata.db as the server does, and looks at the copy.
func (x *libraryExam) checkDatabase(ctx context.Context, r *findings) {
	err := x.load(ctx)
	const repair = "in Calibre: Library maintenance, Check library; or \"calibredb restore_database\" with Calibre closed; or restore metadata.db from a backup"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fault("see the check library.folder", "metadata.db is not there: %v", err)
		return
	case errors.Is(err, fs.ErrPermission):
		r.fault(fmt.Sprintf("let the user that runs the server (%d) read it", os.Getuid()), "metadata.db cannot be read: %v", err)
		return
	case errors.Is(err, calibre.ErrLocked):
		r.fault("wait until Calibre's edit is done; if none goes on, end the program that hangs (\"fuser -v metadata.db\" shows it)", "a program has kept metadata.db locked for more than %v: changes are not seen meanwhile", lockWait)
		return
	case errors.Is(err, calibre.ErrNotCalibre):
		r.fault("name the folder of a Calibre library", "metadata.db is not Calibre's: %v", err)
		return
	case errors.Is(err, calibre.ErrDamaged):
		r.fault(repair, "metadata.db is damaged: %v", err)
		return
	case err != nil:
		r.fault("see what the error says", "metadata.db cannot be read: %v", err)
		return
	}
	c, fine := x.copied.Condition, true
	warn := func(cure, format string, args ...any) {
		fine = false
		r.warn(cure, format, args...)
	}
	if c.Schema < inspect.OldestSchema || c.Schema > inspect.NewestSchema {
		warn("look for a version of pressmark that knows this one of Calibre", "the version of Calibre's schema is %d, and %d to %d are known: something may be missing from what is served", c.Schema, inspect.OldestSchema, inspect.NewestSchema)
	}
	if c.Library == "" {
		warn("open the library in Calibre once, which gives it one", "the library has no id: it cannot be told from another that takes its place")
	}
	if c.HotJournal {
		warn("open the library in Calibre once, which undoes the change that was broken off", "a program ended in the middle of a change of metadata.db")
	}
	switch {
	case c.WAL && !c.Local:
		warn("let Calibre and the server run where the library's disk is, or switch the mode back: PRAGMA journal_mode=DELETE with Calibre closed", "metadata.db is in WAL mode and not on a local disk, where that does not work")
	case c.WAL:
	case !c.Locked:
		warn("nothing, if it is a network share: each copy is checked instead. Else see that locks work where the library is", "metadata.db cannot be locked while it is copied (%s)", c.Locking)
	case !c.Local:
		warn("put the library on a local disk if you can; on a share set WATCH_POLL to what you can wait for, as changes are not told of", "metadata.db is not on a file system known to be local: locks may not keep out other machines, so each copy is checked")
	}
	if fine {
		r.ok("metadata.db is sound: schema %d, %d books; it can be copied (%s, for %v)", c.Schema, c.Books, c.Locking, c.Held.Round(time.Millisecond))
	}
}

// checkFiles compares the library's files with the catalog.
func (x *libraryExam) checkFiles(ctx context.Context, r *findings) {
	if x.load(ctx) != nil {
		return // another check says so
	}
	fine, looked := true, 0
	found := map[string]*examples{}
	note := func(kind, example string) {
		if found[kind] == nil {
			found[kind] = &examples{}
		}
		found[kind].add(example)
	}
	t := &tally{Verified: Verified{Library: x.Name, Kinds: map[string]int{}}, all: true, report: func(d Difference) {
		kind := "size"
		switch {
		case d.Found == foundNothing && d.Calibre == wantCover:
			kind = "cover"
		case d.Found == foundNothing:
			kind = "missing"
		case d.Found == foundDenied:
			kind = "denied"
		case d.Found == foundNoKey:
			kind = "path"
		case d.Calibre == wantCover:
			kind = "image"
		}
		note(kind, fmt.Sprintf("book %d: %s", d.Book, d.What))
	}}
	f := &fileCheck{folder: x.files(), config: &x.config, tally: t, folderOnly: true}
	books, err := x.each(ctx, func(b *catalog.Book) error {
		looked++
		return f.book(ctx, b)
	})
	if err != nil {
		r.warn("run \"pressmark verify\", which has no limit of time", "the check of files was broken off after %d books: %v", looked, err)
		return
	}
	if err := x.strays(ctx, books, note); err != nil {
		note("denied", err.Error())
	}
	const check = "in Calibre: Library maintenance, Check library, shows and mends it"
	for _, k := range []struct{ kind, state, text, cure string }{
		{"denied", FindingFault, "files may not be read by this user", fmt.Sprintf("let the user that runs the server (%d) read them: chmod -R a+rX, or an ACL", os.Getuid())},
		{"missing", FindingFault, "books have formats that are not in the folder", check + "; or copy the files back"},
		{"cover", FindingWarning, "books should have covers that are not in the folder", check + "; or download covers in Calibre"},
		{"size", FindingWarning, "files have other sizes than Calibre recorded", "in Calibre: edit the metadata of the book, or add the format again; if a copy was broken off, copy it again"},
		{"image", FindingWarning, "covers are no images", "set another cover in Calibre"},
		{"path", FindingFault, "paths lead out of the library", check},
		{"stray", FindingWarning, "files belong to no book, and are not served", check + "; or remove them"},
	} {
		if x := found[k.kind]; x != nil {
			fine = false
			r.add(k.state, fmt.Sprintf("%s (%d): %v", k.text, x.n, x), k.cure)
		}
	}
	if fine {
		r.ok("all %d files of %d books that should be in the folder are", t.Files, looked)
	}
}

// each calls f with all books, and returns what is in their folders by path.
func (x *libraryExam) each(ctx context.Context, f func(*catalog.Book) error) (map[string]map[string]bool, error) {
	known := map[string]map[string]bool{}
	q := catalog.Query{Limit: catalog.MaxLimit}
	for {
		page, err := x.books.Books(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			b := &page.Items[i]
			names := map[string]bool{"cover.jpg": true, "metadata.opf": true}
			for _, format := range b.Formats {
				names[format.File] = true
			}
			known[b.Path] = names
			if err := f(b); err != nil {
				return nil, err
			}
		}
		if page.Next == "" {
			return known, nil
		}
		q.After = page.Next
	}
}

// strays looks for files that no book has, two folders deep, where Calibre keeps
// files. What Calibre itself keeps beside them is left out: hidden folders, and
// those named data. It reads folders and opens no file.
func (x *libraryExam) strays(ctx context.Context, known map[string]map[string]bool, note func(kind, example string)) error {
	root, err := os.OpenRoot(x.Path)
	if err != nil {
		return err
	}
	defer root.Close()
	folders := root.FS()
	authors, err := fs.ReadDir(folders, ".")
	if err != nil {
		return err
	}
	for _, author := range authors {
		if !author.IsDir() || strings.HasPrefix(author.Name(), ".") {
			continue
		}
		titles, err := fs.ReadDir(folders, author.Name())
		if err != nil {
			note("denied", author.Name())
			continue
		}
		for _, title := range titles {
			if err := ctx.Err(); err != nil {
				return err
			}
			dir := path.Join(author.Name(), title.Name())
			if !title.IsDir() || strings.HasPrefix(title.Name(), ".") {
				continue
			}
			names, isBook := known[dir]
			files, err := fs.ReadDir(folders, dir)
			if err != nil {
				note("denied", dir)
				continue
			}
			for _, file := range files {
				if !file.IsDir() && !strings.HasPrefix(file.Name(), ".") && (!isBook || !names[file.Name()]) {
					note("stray", path.Join(dir, file.Name()))
				}
			}
		}
	}
	return nil
}

// checkRestrictions looks whether what users may see can be found out.
func (x *libraryExam) checkRestrictions(ctx context.Context, r *findings) {
	if x.load(ctx) != nil {
		return // another check says so
	}
	if !x.hasState() {
		r.ok("there are no users yet")
		return
	}
	s, err := OpenState(ctx, x.config)
	if err != nil {
		return // another check says so
	}
	defer s.Close()
	if s.Schema.Check(ctx) != nil {
		return // as above
	}
	checked, fine := 0, true
	for after := auth.UserID(0); ; {
		users, err := s.Users.List(ctx, after, 1000)
		if err != nil {
			r.fault("see the check database", "users cannot be listed: %v", err)
			return
		}
		for _, u := range users {
			after = u.ID
			rule, ok := u.Access.Libraries[x.Name]
			if !u.Access.Restricted || !ok || rule.Kind != auth.Matching {
				continue
			}
			checked++
			if _, err := x.books.Parse(ctx, rule.Expression); err != nil {
				fine = false
				r.fault("change the user's restriction (\"pressmark user\", or the API for admins), or bring back the column or saved search that it names", "what user %s may see cannot be found out, so they see nothing: %q: %v", u.Username, rule.Expression, err)
			}
		}
		if len(users) < 1000 {
			break
		}
	}
	if fine {
		r.ok("%d restrictions of users can be evaluated", checked)
	}
}

// hasState reports whether there is a database of accounts, without making one.
func (x *libraryExam) hasState() bool {
	if x.config.DatabaseURL != "" {
		return true
	}
	_, err := os.Stat(path.Join(x.config.DataDir, stateFile))
	return err == nil
}

// sampleOf returns up to n books from all over the library.
func (x *libraryExam) sampleOf(ctx context.Context, n int) (sample []catalog.Book, err error) {
	st := x.books.Status()
	step := max(1, st.Books/n)
	at := 0
	_, err = x.each(ctx, func(b *catalog.Book) error {
		if at%step == 0 && len(sample) < n {
			sample = append(sample, *b)
		}
		at++
		return nil
	})
	return sample, err
}
