package drivetest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types that Drive has of its own.
const (
	mimeFolder   = "application/vnd.google-apps.folder"
	mimeShortcut = "application/vnd.google-apps.shortcut"
	mimeDocument = "application/vnd.google-apps.document"
)

// file is a file, a folder, a shortcut or a document. It is changed under Drive.mu.
type file struct {
	id, name, mime    string
	parent            string // "" has none
	seq               int
	target            string  // of a shortcut
	content           *source // nil has none
	created, modified time.Time
	version           int64
	revision          string
	trashed           bool   // itself, not with a folder above it
	forbidden         string // a reason
}

// AddFolder makes a folder. An empty parent is My Drive, outside the library. What
// is put into a parent that does not exist has no parents, as files have that were
// shared one by one.
func (d *Drive) AddFolder(parent, name string) (id string) {
	return d.add(parent, file{name: name, mime: mimeFolder})
}

// AddFile makes a file. There may be others of the same name.
func (d *Drive) AddFile(parent, name string, content []byte) (id string) {
	return d.add(parent, file{name: name, mime: mimeType(name), content: bytesSource(content)})
}

// AddGenerated makes a file of so many bytes, which are those of the seed, and of
// which none are kept in memory.
func (d *Drive) AddGenerated(parent, name string, size int64, seed uint64) (id string) {
	return d.add(parent, file{name: name, mime: mimeType(name), content: newSource(generated{size, seed}, size)})
}

// AddShortcut makes a shortcut to the file or folder with the id target.
func (d *Drive) AddShortcut(parent, name, target string) (id string) {
	return d.add(parent, file{name: name, mime: mimeShortcut, target: target})
}

// AddDocument makes a document of Google Docs, which has no digest and no revision,
// and cannot be downloaded. It has a size, as those have since 2021, which is not
// that of any file.
func (d *Drive) AddDocument(parent, name string) (id string) {
	return d.add(parent, file{name: name, mime: mimeDocument})
}

func (d *Drive) add(parent string, f file) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addLocked(parent, f)
}

func (d *Drive) addLocked(parent string, f file) string {
	f.id, f.seq = newID(d.seq), d.seq
	f.parent = parent
	if parent == "" {
		f.parent = d.own
	}
	f.created = d.now()
	f.modified = f.created
	if f.content != nil {
		f.revision = d.newRevision()
	}
	d.seq++
	d.files[f.id] = &f
	d.order = append(d.order, &f)
	d.kids[f.parent] = append(d.kids[f.parent], &f)
	d.changed(&f)
	return f.id
}

// newID makes ids that look like Drive's, always the same.
func newID(n int) string {
	sum := sha256.Sum256([]byte("drivetest" + strconv.Itoa(n)))
	return "1" + base64.RawURLEncoding.EncodeToString(sum[:24])
}

func (d *Drive) newRevision() string {
	d.revisions++
	return newID(-d.revisions)
}

// now is in the milliseconds that the API tells.
func (d *Drive) now() time.Time { return d.o.Now().UTC().Truncate(time.Millisecond) }

// Put makes the file at a key, which is the names of folders below the library, and
// that of the file, with slashes between them, and the folders that are missing. If
// the file is there, it is replaced. Of several of one name the oldest is meant.
func (d *Drive) Put(key string, content []byte) (id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	parent := d.root
	dir, name := path.Split(key)
	for folder := range strings.SplitSeq(dir, "/") {
		if folder == "" {
			continue
		}
		f := d.child(parent, func(f *file) bool { return f.name == folder && f.mime == mimeFolder })
		if f == nil {
			parent = d.addLocked(parent, file{name: folder, mime: mimeFolder})
		} else {
			parent = f.id
		}
	}
	f := d.child(parent, func(f *file) bool { return f.name == name && f.content != nil })
	if f == nil {
		return d.addLocked(parent, file{name: name, mime: mimeType(name), content: bytesSource(content)})
	}
	d.replace(f, bytesSource(content))
	return f.id
}

func (d *Drive) child(parent string, is func(*file) bool) *file {
	for _, f := range d.kids[parent] {
		if !f.trashed && is(f) {
			return f
		}
	}
	return nil
}

// Replace gives a file other content, and thereby another revision, md5 and time.
func (d *Drive) Replace(id string, content []byte) error {
	return d.change("replace", id, func(f *file) error {
		if f.content == nil {
			return fmt.Errorf("%s has no content: %w", f.mime, fs.ErrInvalid)
		}
		d.replace(f, bytesSource(content))
		return nil
	})
}

func (d *Drive) replace(f *file, content *source) {
	f.content, f.modified, f.revision = content, d.now(), d.newRevision()
	d.changed(f)
}

// Rename gives a file or folder another name.
func (d *Drive) Rename(id, name string) error {
	return d.change("rename", id, func(f *file) error {
		f.name, f.modified = name, d.now()
		d.changed(f)
		return nil
	})
}

// Move puts a file, or a folder with all that is in it, into another folder. An
// empty parent is My Drive, outside the library.
func (d *Drive) Move(id, parent string) error {
	return d.change("move", id, func(f *file) error {
		if parent == "" {
			parent = d.own
		}
		for up := d.files[parent]; up != nil; up = d.files[up.parent] {
			if up == f {
				return fmt.Errorf("into itself: %w", fs.ErrInvalid)
			}
		}
		d.leave(f)
		f.parent = parent
		d.kids[parent] = append(d.kids[parent], f)
		d.changed(f)
		return nil
	})
}

// Trash puts a file, or a folder with all that is in it, into the trash. It can
// still be read by its id.
func (d *Drive) Trash(id string) error { return d.trash("trash", id, true) }

// Untrash takes it out again.
func (d *Drive) Untrash(id string) error { return d.trash("untrash", id, false) }

func (d *Drive) trash(op, id string, trashed bool) error {
	return d.change(op, id, func(f *file) error {
		f.trashed = trashed
		d.changed(f)
		return nil
	})
}

// Delete removes a file, or a folder with all that is in it, for good.
func (d *Drive) Delete(id string) error {
	return d.change("delete", id, func(f *file) error {
		d.removed(f)
		d.leave(f)
		d.forget(f)
		return nil
	})
}

func (d *Drive) leave(f *file) {
	d.kids[f.parent] = slices.DeleteFunc(d.kids[f.parent], func(k *file) bool { return k == f })
}

func (d *Drive) forget(f *file) {
	for _, k := range d.kids[f.id] {
		d.forget(k)
	}
	delete(d.kids, f.id)
	delete(d.files, f.id)
	d.order[f.seq] = nil
}

func (d *Drive) change(op, id string, do func(*file) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[id]
	if f == nil {
		return &fs.PathError{Op: op, Path: id, Err: fs.ErrNotExist}
	}
	if err := do(f); err != nil {
		return &fs.PathError{Op: op, Path: id, Err: err}
	}
	return nil
}

// Open returns what is in a file now, or nil if it has no content.
func (d *Drive) Open(id string) *io.SectionReader {
	d.mu.RLock()
	defer d.mu.RUnlock()
	f := d.files[id]
	if f == nil || f.content == nil {
		return nil
	}
	return io.NewSectionReader(f.content, 0, f.content.size)
}

// Content returns all that is in a file, or nil if it has no content. [Drive.Open]
// is for large ones.
func (d *Drive) Content(id string) []byte {
	r := d.Open(id)
	if r == nil {
		return nil
	}
	content := make([]byte, r.Size())
	_, _ = io.ReadFull(r, content) // memory does not fail
	return content
}

// Lookup returns the id of the file or folder at a key below the library, as in
// [Drive.Put].
func (d *Drive) Lookup(key string) (id string, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	id = d.root
	for name := range strings.SplitSeq(key, "/") {
		f := d.child(id, func(f *file) bool { return f.name == name })
		if f == nil {
			return "", false
		}
		id = f.id
	}
	return id, true
}

// mimeType is by the table of this package: that of the system differs.
func mimeType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".epub", ".kepub":
		return "application/epub+zip"
	case ".pdf":
		return "application/pdf"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".txt":
		return "text/plain"
	case ".html":
		return "text/html"
	case ".json":
		return "application/json"
	case ".zip":
		return "application/zip"
	default:
		return "application/octet-stream"
	}
}
