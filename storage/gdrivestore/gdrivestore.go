// Package gdrivestore reads files in a folder of Google Drive, also of a shared
// drive, by the Drive API v3.
//
//	key, err := os.ReadFile("google-credentials.json") // of a service account
//	...
//	service, err := gdrivestore.NewService(ctx, key)
//	...
//	books := gdrivestore.New(service, folderID, gdrivestore.Options{Cache: c})
//
// A [Store] is a [storage.Store]. It only reads, and [NewService] asks for the
// right to read and no other (the scope drive.readonly).
//
// # Names and ids
//
// Drive knows files by ids; names are not even unique in a folder. The key
// "Maren Holloway/The Tide Clerk (1)/cover.jpg" is the file cover.jpg in the folder
// "The Tide Clerk (1)" in the folder "Maren Holloway" in the store's folder. What is
// in a folder is asked for when it is needed, together with some forty of its
// neighbours, as a request for many folders costs as much as for one; it is kept in
// [Options.Cache], and dropped when Drive's list of changes names it, which is read
// every [Options.PollInterval] while the store is in use. A file that is not found
// makes it be read at once.
//
// Of several files of one name in a folder the one that was changed last is the
// object; folders of one name are looked through in that order. Shortcuts stand for
// what they lead to. What is in the trash, documents of Google's own editors, and
// names that cannot be in a key, are not there. A name that is not found in the form
// of the key, composed or decomposed, is looked for in the other (UAX #15).
//
// # Libraries that are behind
//
// A copy of a Calibre library is not always as new as its catalog. A folder that is
// not found, and whose name ends in the number of a book, " (12)", is looked for by
// that, where its author's is, and then anywhere two folders deep; and a file that
// is not found in such a folder is the one that has its extension, if there is one.
// Cover and metadata.opf have the same names everywhere and need no such care.
//
// # Tags and versions
//
// The tag is the MD5 of the content, which Drive has of every file. Drive cannot be
// asked for a version, so a whole object is compared with it when its last byte has
// come, which is held back until then, and for a part of one Drive is asked, before
// the first, whether the file is still the same. Either fails with
// [storage.ErrChanged].
//
// # Failures
//
// The store sends at most [Options.RequestsPer100s]. Requests that Drive refuses
// because of their number, and that it fails to answer, are sent again, later and
// later and as Retry-After says, as long as ctx lasts, for 30 s and eight times in
// all. Downloads
// that break off are taken up where they ended, up to four times until 64 KiB more
// have come. That there is no such file is said only if Drive could be asked. A quota that is used up, and credentials that are
// wrong or may not read the folder, are [storage.ErrUnavailable], as they say nothing
// about the object.
package gdrivestore

import (
	"context"
	"crypto/rand"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"google.golang.org/api/drive/v3"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/storage"
)

// Options are the settings of a [Store]. The zero value works, but asks Drive anew
// for every object.
type Options struct {
	// Cache keeps what is in folders. It may be shared with other processes. nil
	// keeps nothing.
	Cache *cache.Cache

	// Name tells this store from others with the same Cache. Empty is "drive".
	// At most 26 of a-z, 0-9, '-' and '_'.
	Name string

	// Seal is a key that authenticates what is kept in the shared tier of Cache, as
	// [cache.NamespaceOptions] has it.
	Seal []byte

	// RequestsPer100s is how many requests are sent in any 100 s at most. 0 means
	// 1000.
	RequestsPer100s int

	// PollInterval is for how long what is known of the folder is used without
	// asking Drive for changes. 0 means 2 minutes.
	PollInterval time.Duration

	// StallTimeout is how long a download may stand still before it is taken up
	// anew. 0 means 15 s.
	StallTimeout time.Duration

	// Logger gets what an operator should know: files of one name. nil discards it.
	Logger *slog.Logger
}

const (
	defaultRequests = 1000
	defaultPoll     = 2 * time.Minute
	defaultStall    = 15 * time.Second
)

// Store is a folder of Drive. Make one with [New]. Its methods may be called by
// several goroutines at once.
type Store struct {
	drive   *drive.Service
	root    string
	o       Options
	self    string // tells what this process has asked for from what others have
	pacer   *pacer
	changes changes
	tree    tree
	recent  recent
	walks   chan struct{} // holds one for each walk that nobody waits for
	guesses chan struct{}
}

var _ storage.Store = (*Store)(nil)

// New returns the store of a folder, named by its id. It does no I/O. The error is
// that of a Cache that has a store of that Name already.
func New(service *drive.Service, folderID string, o Options) (*Store, error) {
	if o.Name == "" {
		o.Name = "drive"
	}
	if o.RequestsPer100s <= 0 {
		o.RequestsPer100s = defaultRequests
	}
	if o.PollInterval <= 0 {
		o.PollInterval = defaultPoll
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = defaultStall
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		drive: service, root: folderID, o: o, self: rand.Text()[:8], pacer: newPacer(o.RequestsPer100s),
		walks: make(chan struct{}, mostWalks), guesses: make(chan struct{}, mostGuesses),
	}
	s.changes.init(s)
	return s, s.tree.init(s)
}

// Folder describes the store's folder.
type Folder struct {
	// Name is its name.
	Name string
	// Drive is the id of the shared drive that it is in. Empty is none.
	Drive string
}

// Folder asks Drive for the store's folder. It is a check that credentials are good
// and that the folder is shared with them. All that goes wrong is
// [storage.ErrUnavailable].
func (s *Store) Folder(ctx context.Context) (Folder, error) {
	const op = "look at"
	f, err := s.rootFolder(ctx)
	if err != nil {
		return Folder{}, fail(op, s.root, err)
	}
	return Folder{Name: f.Name, Drive: f.DriveId}, nil
}

// Stat looks for the file. It asks Drive only for what is not known.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	const op = "stat"
	if err := storage.CheckKey(op, key); err != nil {
		return storage.Info{}, err
	}
	e, err := s.find(ctx, key)
	if err != nil {
		return storage.Info{}, fail(op, key, err)
	}
	return e.info(key), nil
}

// Open looks for the file and downloads what r selects.
func (s *Store) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	const op = "open"
	if err := storage.CheckKey(op, key); err != nil {
		return nil, storage.Info{}, err
	}
	if r.Length < 0 {
		return nil, storage.Info{}, fail(op, key, fs.ErrInvalid)
	}
	const attempts = 2 // what is known may be old
	for n := 1; ; n++ {
		e, err := s.find(ctx, key)
		if err != nil {
			return nil, storage.Info{}, fail(op, key, err)
		}
		st := &stream{store: s, ctx: ctx, file: e}
		start, length, err := r.Resolve(e.Size)
		if err != nil {
			return nil, storage.Info{}, fail(op, key, err)
		}
		st.at, st.end = start, start+length
		if length == 0 {
			return storage.NewReader(ctx, key, st, 0), e.info(key), nil
		}
		err = st.open()
		switch {
		case err == nil:
			return storage.NewReader(ctx, key, st, length), e.info(key), nil
		case !outdated(err) || n == attempts:
			return nil, storage.Info{}, fail(op, key, err)
		}
		s.changes.hit(e.ID)
	}
}
