package httpapi

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// remote is what is known of the stores beside the folders of libraries, so that
// they are not asked with every request.
//
// Keys hold the time at which Calibre last touched the book: what it changes is
// asked for anew. What others change in a store is seen when a time has passed.
type remote struct {
	files  *cache.Namespace[storage.Info]
	covers *cache.Namespace[remoteCover]
	urls   *cache.Namespace[signedURL]
	rests  rests
}

// remoteCover is a cover at a store.
type remoteCover struct {
	Info storage.Info
	// Tagged is set where the key holds the tag, so that what it stands for never
	// changes.
	Tagged bool
	// Sure is set where the cover is known to be the one of the catalog.
	Sure bool
}

// signedURL is an address that works for a time.
type signedURL struct {
	URL     string
	Expires time.Time
}

// errNoObject says that a store does not have a file, or has another one.
var errNoObject = errors.New("no such object")

// How long what stores say is believed, and addresses are given again. One is
// signed for an hour, and the same is given for half of that, and a little more
// as a cache may drop up to a tenth, so that browsers find what they have under it.
const (
	fileKnown   = 10 * time.Minute
	coverKnown  = time.Hour
	absentKnown = time.Minute
	unsureKnown = time.Minute
	signedFor   = time.Hour
	signedGiven = 34 * time.Minute
	signedLeft  = 10 * time.Minute // an address must last so long
	askStore    = 10 * time.Second
)

// newRemote makes the namespaces in c. Addresses and where covers are open what
// they name, so key seals them.
func newRemote(c *cache.Cache, key []byte) (*remote, error) {
	r := &remote{}
	var errs [3]error
	r.files, errs[0] = cache.NewNamespace(c, cache.NamespaceOptions[storage.Info]{
		Name: "object", TTL: fileKnown, NotFound: errNoObject, NegativeTTL: absentKnown, Unchanging: true, LoadTimeout: askStore, Seal: key,
	})
	r.covers, errs[1] = cache.NewNamespace(c, cache.NamespaceOptions[remoteCover]{
		Name: "cover-object", TTL: coverKnown, NotFound: errNoObject, NegativeTTL: absentKnown, Unchanging: true, LoadTimeout: askStore, Seal: key,
	})
	r.urls, errs[2] = cache.NewNamespace(c, cache.NamespaceOptions[signedURL]{
		Name: "signed", TTL: signedGiven, Unchanging: true, LoadTimeout: askStore, Seal: key,
	})
	return r, errors.Join(errs[:]...)
}

// remoteFile returns what the store of a format says of a book's file: errNoObject if it
// does not have it.
func (f *files) remoteFile(ctx context.Context, s storage.Store, lib *library, b *catalog.Book, want wanted, key string) (storage.Info, error) {
	at := lib.rest(want)
	if err := f.remote.rests.err(at); err != nil {
		return storage.Info{}, err
	}
	k := lib.place() + "/" + strconv.FormatInt(b.Modified.UnixMicro(), 36) + "/" + key
	return f.remote.files.Get(ctx, k, func(ctx context.Context) (storage.Info, error) {
		info, err := f.stat(ctx, s, key)
		f.remote.rests.note(at, err)
		if err == nil && olderThanFolder(ctx, lib, info) {
			err = fmt.Errorf("%w: %s is older than the folder's", errNoObject, key)
		}
		return info, err
	})
}

// remoteNow is remoteFile for a file that is passed on: as it is now.
func (f *files) remoteNow(ctx context.Context, s storage.Store, lib *library, want wanted, key string) (storage.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, askStore)
	defer cancel()
	info, err := f.stat(ctx, s, key)
	f.remote.rests.note(lib.rest(want), err)
	return info, err
}

// olderThanFolder reports whether the library's folder has another version of a
// book than a store.
func olderThanFolder(ctx context.Context, lib *library, at storage.Info) bool {
	info, err := lib.Files.Stat(ctx, at.Key)
	return err == nil && (info.Size != at.Size || at.ModTime.Before(info.ModTime.Truncate(time.Second)))
}

// stat is Stat, whose answer that there is no such object is errNoObject. Who may
// not list a bucket is not told that, but that he may not have it.
func (f *files) stat(ctx context.Context, s storage.Store, key string) (storage.Info, error) {
	info, err := s.Stat(ctx, key)
	if errors.Is(err, fs.ErrPermission) {
		f.api.log.Warn("Store does not give a file away; it is taken for missing", "component", "files", "key", key, "err", err)
	}
	return info, noObject(err)
}

func noObject(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", errNoObject, err)
	}
	return err
}

// remoteCover returns the cover of a book at the library's store of covers:
// errNoObject if it has none in that size, or another one than the folder has.
func (f *files) remoteCover(ctx context.Context, lib *library, b *catalog.Book, size covers.Size) (remoteCover, error) {
	at := lib.Name + "/covers"
	if err := f.remote.rests.err(at); err != nil {
		return remoteCover{}, err
	}
	k := lib.place() + "/" + strconv.FormatInt(int64(b.ID), 10) + "/" + strconv.FormatInt(b.Modified.UnixMicro(), 36) + "/" + string(size)
	ask := func(ctx context.Context) (remoteCover, error) {
		c, err := f.askForCover(ctx, lib, b, size)
		f.remote.rests.note(at, err)
		return c, err
	}
	c, err := f.remote.covers.Get(ctx, k, ask)
	if err == nil && !c.Sure {
		// Calibre has touched the book after the cover came, perhaps to change the
		// cover: it is looked at again and again until that is in the store, too.
		c, err = f.remote.covers.Get(ctx, k+"/"+strconv.FormatInt(time.Now().Unix()/int64(unsureKnown/time.Second), 36), ask)
	}
	return c, err
}

func (f *files) askForCover(ctx context.Context, lib *library, b *catalog.Book, size covers.Size) (remoteCover, error) {
	s := lib.Placement.Covers
	info, err := f.stat(ctx, s, covers.ObjectKey(int64(b.ID), "", ""))
	if err != nil {
		return remoteCover{}, err
	}
	tagged, err := f.stat(ctx, s, covers.ObjectKey(int64(b.ID), info.Tag, ""))
	if err != nil && !errors.Is(err, errNoObject) {
		return remoteCover{}, err
	}
	c := remoteCover{Info: info}
	// Two objects of one content have one tag, if tags are digests.
	digests := err != nil || tagged.Tag == info.Tag
	switch same, err := sameCover(ctx, lib, b, info, digests); {
	case ctx.Err() != nil:
		return c, ctx.Err()
	case err == nil && !same:
		return c, fmt.Errorf("%w: %s is not the cover that the folder has", errNoObject, info.Key)
	case err == nil:
		c.Sure = true
	default: // there is nothing to compare with
		c.Sure = !info.ModTime.Before(b.Modified)
	}
	if size != "" {
		tagged, err = f.stat(ctx, s, covers.ObjectKey(int64(b.ID), info.Tag, size))
	}
	switch {
	case err == nil:
		c.Info, c.Tagged = tagged, true
	case size != "":
		return c, err
	}
	return c, nil
}

// sameCover compares the cover in the library's folder with one at a store: by
// digest if its tag is one, as that of a file that S3 has in one part is, else by
// size and time.
func sameCover(ctx context.Context, lib *library, b *catalog.Book, at storage.Info, digests bool) (bool, error) {
	key, err := cover.key(b)
	if err != nil {
		return false, fs.ErrNotExist
	}
	in, info, err := lib.Files.Open(ctx, key, storage.Range{})
	if err != nil {
		return false, err
	}
	defer in.Close()
	if info.Size != at.Size {
		return false, nil
	}
	if !digests || len(at.Tag) != hex.EncodedLen(md5.Size) {
		return !at.ModTime.Before(info.ModTime.Truncate(time.Second)), nil
	}
	h := md5.New()
	if _, err := io.Copy(h, in); err != nil {
		return false, err
	}
	return strings.EqualFold(hex.EncodeToString(h.Sum(nil)), at.Tag), nil
}

// sign returns where everybody who has it gets an object of a store until it
// expires. The error is [errors.ErrUnsupported] if the store cannot sign.
func sign(ctx context.Context, s storage.Store, info storage.Info, o storage.SignOptions) (u signedURL, err error) {
	signer, ok := storage.As[storage.Signer](s)
	if !ok {
		return u, errors.ErrUnsupported
	}
	u.URL, u.Expires, err = signer.SignedURL(ctx, info.Key, o)
	return u, err
}

// coverAddress is sign for a cover. It returns the same for a while, so that
// browsers find the picture that they have.
func (f *files) coverAddress(ctx context.Context, lib *library, c remoteCover) (signedURL, error) {
	make := func(ctx context.Context) (signedURL, error) {
		return sign(ctx, lib.Placement.Covers, c.Info, storage.SignOptions{Lifetime: signedFor})
	}
	u, err := f.remote.urls.Get(ctx, lib.place()+"/"+c.Info.Tag+"/"+c.Info.Key, make)
	if err == nil && time.Until(u.Expires) < signedLeft { // the credentials do not last
		u, err = make(ctx)
	}
	return u, err
}

// rest names the place of a format among rests: one for each that has a store of
// its own, so that one store that fails does not keep others from being asked.
func (l *library) rest(want wanted) string {
	format := strings.ToUpper(string(want))
	if _, own := l.Placement.Books[format]; !own {
		format = ""
	}
	return l.Name + "/books/" + format
}

// rests are places that have failed a moment ago: they are left alone, so that a
// request that can do without does not wait.
type rests struct {
	mu     sync.Mutex
	places map[string]rest
}

type rest struct {
	until time.Time
	err   error
}

// restTime is how long a place that has failed is left alone.
const restTime = 5 * time.Second

func (r *rests) err(place string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, ok := r.places[place]; ok && time.Now().Before(was.until) {
		return was.err
	}
	return nil
}

// note notes how asking there ended.
func (r *rests) note(place string, err error) {
	if errors.Is(err, context.Canceled) {
		return // says nothing
	}
	failed := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case failed:
		if r.places == nil {
			r.places = map[string]rest{}
		}
		r.places[place] = rest{time.Now().Add(restTime), err}
	case len(r.places) > 0:
		delete(r.places, place)
	}
}
