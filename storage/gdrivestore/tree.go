package gdrivestore

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"

	"github.com/pressmark/pressmark/cache"
)

// tree is what is known of the folders.
//
// Folders are asked for in groups. What is in the folders of one group is divided
// into groups again, by hashes of ids, and by so many of them that each has about
// forty folders. What is known of a group is kept under a key that stays the same
// while their number about doubles, followed by a version: a group of which
// something has changed goes on under another.
type tree struct {
	kept *cache.Namespace[*seen]

	mu       sync.Mutex
	versions map[string]version
}

// version is how often, in effect, a group had to be asked for again.
type version struct {
	text string
	at   time.Time
}

const (
	groupSize = 40 // folders, about
	pageSize  = 1000
	askTime   = 10 * time.Minute // for many pages
)

func (t *tree) init(s *Store) (err error) {
	t.versions = map[string]version{}
	c := s.o.Cache
	if c == nil {
		c = cache.New(cache.Options{})
	}
	t.kept, err = cache.NewNamespace(c, cache.NamespaceOptions[*seen]{
		Name: s.o.Name, TTL: known, Unchanging: true, LoadTimeout: askTime, Seal: s.o.Seal, Cost: (*seen).cost, Shape: "2",
	})
	return err
}

// key returns the key of the version of a group that is used now.
func (t *tree) key(s *Store, group string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.root + "/" + group + "@" + t.versions[group].text
}

// renew has a group go on under another version than that of a key. Processes that
// know the same token agree on it.
func (t *tree) renew(s *Store, group, key string) {
	at, token := s.changes.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.versions[group].text
	if key != s.root+"/"+group+"@"+was {
		return // somebody has
	}
	if was == token || strings.HasPrefix(was, token+"+") {
		token += "+" + strconv.FormatInt(at.UnixMilli(), 36)
	}
	if len(t.versions)%1000 == 999 {
		for g, v := range t.versions {
			if at.Sub(v.at) > known {
				delete(t.versions, g)
			}
		}
	}
	t.versions[group] = version{token, at}
}

// get returns what is known of a group and still true, or what ask says.
func (s *Store) get(ctx context.Context, group string, good func(*seen) bool, ask func(context.Context) (*seen, error)) (*seen, error) {
	const attempts = 3 // it may change all the time
	for n := 1; ; n++ {
		key := s.tree.key(s, group)
		v, err := s.tree.kept.Get(ctx, key, func(ctx context.Context) (*seen, error) {
			at, token := s.changes.now()
			v, err := ask(ctx)
			if err != nil {
				return nil, err
			}
			v.At, v.By, v.Token = at, s.self, token
			return v, nil
		})
		if err != nil {
			return nil, err
		}
		ok, unsure := s.changes.holds(v)
		if ok && unsure {
			if ok = s.changes.goBack(ctx, v.Token); ok {
				ok, _ = s.changes.holds(v)
			}
		}
		if ok && good(v) || n == attempts {
			return v, ctx.Err()
		}
		s.tree.renew(s, group, key)
	}
}

// anything is for a group of which all is good.
func anything(*seen) bool { return true }

// peek is get for what this process has, and need not ask for.
func (s *Store) peek(group string) (*seen, bool) {
	v, ok := s.tree.kept.Peek(s.tree.key(s, group))
	if !ok {
		return nil, false
	}
	ok, unsure := s.changes.holds(v)
	return v, ok && !unsure
}

// folder is a folder in the tree.
type folder struct {
	id string
	// of is the group that it was found in, under key. nil is the store's folder.
	of  *seen
	key string
}

// group returns the key of the group that f is in, and what tells who else is.
func (f *folder) group() (key string, member func(id string) bool) {
	if f.of == nil {
		return "root", func(string) bool { return false }
	}
	groups := uint32(1) << bits.Len(uint(max(f.of.count()-1, 0)/groupSize))
	of := func(id string) uint32 {
		h := fnv.New32a()
		h.Write([]byte(id))
		return h.Sum32() % groups
	}
	own := of(f.id)
	return fmt.Sprintf("%s/%d.%d", f.key, groups, own), func(id string) bool { return of(id) == own }
}

// members returns the ids of the folders that are in one group with f, that of f
// first.
func (f *folder) members(in func(id string) bool) []string {
	ids := []string{f.id}
	if f.of == nil {
		return ids
	}
	for _, entries := range f.of.In {
		for i := range entries {
			if e := &entries[i]; e.Kind == isFolder && e.ID != f.id && in(e.ID) {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids[:min(len(ids), 2*groupSize)]
}

// children returns what is in f, in order, and what f's folders are in. A folder
// that is not there is [fs.ErrNotExist], but for the store's, which is
// [storage.ErrUnavailable].
func (s *Store) children(ctx context.Context, f folder) ([]entry, folder, error) {
	key, member := f.group()
	v, err := s.get(ctx, key, func(v *seen) bool { return v.knows(f.id) }, func(ctx context.Context) (*seen, error) {
		if f.of == nil {
			return s.top(ctx)
		}
		return s.listAll(ctx, f.members(member))
	})
	if err != nil {
		return nil, folder{}, err
	}
	if f.of != nil && len(v.In[f.id]) == 0 {
		// It is not there, or empty; or Drive has left it out, as it does at times when
		// it is asked for several; or something above it was in the trash at that time.
		key = "one/" + f.id
		v, err = s.get(ctx, key, anything, func(ctx context.Context) (*seen, error) { return s.listAll(ctx, []string{f.id}) })
		if err != nil {
			return nil, folder{}, err
		}
		if slices.Contains(v.Gone, f.id) {
			return nil, folder{}, fs.ErrNotExist
		}
	}
	return v.In[f.id], folder{of: v, key: key}, nil
}

// top asks for the store's folder.
func (s *Store) top(ctx context.Context) (*seen, error) {
	v, err := s.listAll(ctx, []string{s.root})
	if err == nil && len(v.In[s.root]) == 0 { // which it also is in the trash, and if it is no folder
		_, err = s.rootFolder(ctx)
	}
	return v, err
}

// listAll asks what is in some folders, of which some may not be there: Drive does
// not say which.
func (s *Store) listAll(ctx context.Context, ids []string) (*seen, error) {
	in, err := s.list(ctx, ids)
	switch {
	case err == nil:
		return &seen{In: in, Brief: len(ids) == 1 && len(in[ids[0]]) == 0}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case len(ids) == 1:
		return &seen{Gone: ids, Brief: true}, nil
	}
	half := len(ids) / 2
	v, err := s.listAll(ctx, ids[:half])
	if err != nil {
		return nil, err
	}
	other, err := s.listAll(ctx, ids[half:])
	if err != nil {
		return nil, err
	}
	if v.In == nil {
		v.In = map[string][]entry{}
	}
	maps.Copy(v.In, other.In)
	return &seen{In: v.In, Gone: slices.Concat(v.Gone, other.Gone)}, nil
}

// quote makes a string of a query of Drive.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// list asks Drive what is in some folders.
func (s *Store) list(ctx context.Context, ids []string) (map[string][]entry, error) {
	in := make(map[string][]entry, len(ids))
	var q strings.Builder
	for i, id := range ids {
		in[id] = []entry{}
		if i > 0 {
			q.WriteString(" or ")
		}
		q.WriteString(quote(id) + " in parents")
	}
	// Not within the shared drive: shortcuts lead out of it.
	err := s.query(ctx, "", "("+q.String()+") and trashed = false", func(f *drive.File) bool {
		e, ok := entryOf(f)
		if ok && len(ids) == 1 { // also if the id is another name, such as root
			in[ids[0]] = append(in[ids[0]], e)
			return true
		}
		for _, parent := range f.Parents {
			if _, asked := in[parent]; asked && ok {
				in[parent] = append(in[parent], e)
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for id, entries := range in {
		arrange(entries)
		s.warn(id, entries)
	}
	return in, nil
}

// warn tells of files of one name.
func (s *Store) warn(id string, in []entry) {
	for i := 1; i < len(in); i++ {
		if in[i].Name == in[i-1].Name && in[i].Kind != isFolder && in[i-1].Kind != isFolder {
			s.o.Logger.Warn("Two files in Google Drive have one name; the one that was changed last is used",
				"folder", id, "name", in[i].Name, "used", in[i-1].ID, "other", in[i].ID)
		}
	}
}

// query calls each with the files that Drive finds, in a shared drive if it is named,
// until it returns false.
func (s *Store) query(ctx context.Context, shared, q string, each func(*drive.File) bool) error {
	token := ""
	for {
		page, err := call(ctx, s, func(ctx context.Context) (*drive.FileList, error) {
			c := s.drive.Files.List().Q(q).PageSize(pageSize).SupportsAllDrives(true).IncludeItemsFromAllDrives(true).
				Fields(googleapi.Field("nextPageToken,incompleteSearch,files(" + entryFields + ")")).Context(ctx)
			if shared != "" {
				c = c.Corpora("drive").DriveId(shared)
			}
			if token != "" {
				c = c.PageToken(token)
			}
			page, err := c.Do()
			if err == nil && page.IncompleteSearch {
				err = errIncomplete // which is asked again, as a failure of the network is
			}
			return page, err
		})
		if err != nil {
			return err
		}
		for _, f := range page.Files {
			if !each(f) {
				return nil
			}
		}
		if token = page.NextPageToken; token == "" {
			return nil
		}
	}
}

// target asks for the file that a shortcut leads to.
func (s *Store) target(ctx context.Context, link entry) (entry, error) {
	v, err := s.get(ctx, "file/"+link.ID, anything, func(ctx context.Context) (*seen, error) {
		e, err := s.file(ctx, link.ID)
		if errors.Is(err, fs.ErrNotExist) {
			return &seen{Gone: []string{link.ID}, Brief: true}, nil
		}
		// Changes of another drive are not told of.
		return &seen{In: map[string][]entry{link.ID: {e}}, Brief: s.changes.driveID() != ""}, err
	})
	if err != nil {
		return entry{}, err
	}
	if len(v.In[link.ID]) == 0 {
		return entry{}, fs.ErrNotExist
	}
	return v.In[link.ID][0], nil
}

// file asks for a file by its id. What is in the trash is not there.
func (s *Store) file(ctx context.Context, id string) (entry, error) {
	f, err := call(ctx, s, func(ctx context.Context) (*drive.File, error) {
		return s.drive.Files.Get(id).SupportsAllDrives(true).Fields(googleapi.Field(entryFields + ",trashed")).Context(ctx).Do()
	})
	if err != nil {
		return entry{}, err
	}
	e, _ := entryOf(f)
	if f.Trashed || e.Kind != isFile || e.Digest == "" {
		return entry{}, fs.ErrNotExist
	}
	return e, nil
}
