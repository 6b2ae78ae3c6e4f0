package gdrivestore

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/api/drive/v3"

	"github.com/pressmark/pressmark/storage"
)

const (
	typeFolder   = "application/vnd.google-apps.folder"
	typeShortcut = "application/vnd.google-apps.shortcut"
	typeGoogle   = "application/vnd.google-apps."
)

// kind is what an entry is.
type kind string

const (
	isFile   kind = ""
	isFolder kind = "folder"
	isLink   kind = "link" // to a file that Drive has not been asked about
)

// entry is a file or a folder, as a folder has it. Short names of members spare
// room in caches.
type entry struct {
	ID       string    `json:"i"` // of what a shortcut leads to
	Name     string    `json:"n"`
	Kind     kind      `json:"k,omitempty"`
	Size     int64     `json:"s,omitempty"`
	Digest   string    `json:"d,omitempty"` // the MD5 in hexadecimal digits
	Modified time.Time `json:"m"`
}

// entryFields are those that entryOf reads.
const entryFields = "id,name,mimeType,size,md5Checksum,modifiedTime,parents,shortcutDetails(targetId,targetMimeType)"

// entryOf returns what stands for a file of Drive. ok is false for what is no
// object and no folder.
func entryOf(f *drive.File) (e entry, ok bool) {
	e = entry{ID: f.Id, Name: f.Name}
	e.Modified, _ = time.Parse(time.RFC3339, f.ModifiedTime)
	mime := f.MimeType
	if mime == typeShortcut {
		if f.ShortcutDetails == nil {
			return e, false
		}
		e.ID, mime = f.ShortcutDetails.TargetId, f.ShortcutDetails.TargetMimeType
		e.Kind = isLink
	}
	switch {
	case mime == typeFolder:
		e.Kind = isFolder
	case strings.HasPrefix(mime, typeGoogle):
		return e, false
	case e.Kind == isFile:
		e.Size, e.Digest = f.Size, f.Md5Checksum
	}
	if e.Kind == isFile && e.Digest == "" {
		return e, false // there is nothing to know a version of it by
	}
	return e, storage.CheckKey("list", f.Name) == nil && !strings.Contains(f.Name, "/")
}

func (e *entry) info(key string) storage.Info {
	return storage.Info{Key: key, Size: e.Size, ModTime: e.Modified, Tag: e.Digest}
}

// arrange puts what is in a folder in order: by name, and the newest of one name
// first.
func arrange(in []entry) {
	slices.SortFunc(in, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), b.Modified.Compare(a.Modified), cmp.Compare(a.ID, b.ID))
	})
}

// named returns what has a name in a folder that is in order, or else what has it
// in another form.
func named(in []entry, name string) []entry {
	i, found := slices.BinarySearchFunc(in, name, func(e entry, name string) int { return cmp.Compare(e.Name, name) })
	if found {
		end := i
		for end < len(in) && in[end].Name == name {
			end++
		}
		return in[i:end]
	}
	form := norm.NFC.String(name)
	if form == name && ascii(name) {
		return nil
	}
	var other []entry
	for _, e := range in {
		if !ascii(e.Name) && norm.NFC.String(e.Name) == form {
			other = append(other, e)
		}
	}
	return other
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}

// seen is what Drive said of some folders at one time.
type seen struct {
	At    time.Time `json:"at"`              // before it was asked
	By    string    `json:"by"`              // the process that asked
	Token string    `json:"token,omitempty"` // from which on the list of changes tells what has happened since
	// In is what is in the folders, by their ids.
	In map[string][]entry `json:"in"`
	// Gone are folders that are not there.
	Gone []string `json:"gone,omitempty"`
	// Brief is set if changes do not tell when it ceases to be true: of a folder
	// that is empty, perhaps because one above it was in the trash, and of a search
	// that has found nothing.
	Brief bool `json:"brief,omitempty"`

	looked atomic.Int64 // how far the log of changes was compared with it
	first  atomic.Int64 // when this process has first seen it, in Unix seconds
	once   sync.Once
	ids    map[string]struct{} // all that are in it
}

// since returns when v was asked for, as far as this process can tell: clocks of
// others may be ahead.
func (v *seen) since(self string, now time.Time) time.Time {
	if v.By == self {
		return v.At
	}
	v.first.CompareAndSwap(0, now.Unix())
	if first := time.Unix(v.first.Load(), 0); first.Before(v.At) {
		return first
	}
	return v.At
}

// has reports whether a change concerns v.
func (v *seen) has(c change) bool {
	if c.within {
		_, ok := v.In[c.id]
		return ok
	}
	v.once.Do(func() {
		v.ids = map[string]struct{}{}
		for folder, in := range v.In {
			v.ids[folder] = struct{}{}
			for i := range in {
				v.ids[in[i].ID] = struct{}{}
			}
		}
		for _, id := range v.Gone {
			v.ids[id] = struct{}{}
		}
	})
	_, ok := v.ids[c.id]
	return ok
}

// knows reports whether Drive was asked about a folder.
func (v *seen) knows(id string) bool {
	_, in := v.In[id]
	return in || slices.Contains(v.Gone, id)
}

// count returns how many files and folders are in v.
func (v *seen) count() (n int) {
	for _, in := range v.In {
		n += len(in)
	}
	return n
}

// cost is about how many bytes v takes in memory.
func (v *seen) cost() int64 {
	n := int64(200)
	for folder, in := range v.In {
		n += int64(len(folder)) + 64
		for i := range in {
			n += int64(len(in[i].ID)+len(in[i].Name)+len(in[i].Digest)) + 160
		}
	}
	return n
}
