package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// Placement says which stores hold files of a library beside its folder. What
// they do not have is looked for in the folder, so a store may be filled bit by
// bit. The zero value places everything in the folder.
type Placement struct {
	// Books are the stores of books, by format in upper case ("PDF"); "" is that of
	// all other formats. Their keys are those of Library.Files. nil is the folder.
	Books map[string]storage.Store
	// Covers holds covers under the keys of [covers.ObjectKey]: {id}.jpg, and
	// beside it, if clients shall be able to keep them, {id}-{tag}.jpg with the tag
	// of the former. nil is the folder.
	Covers storage.Store
	// ID tells these stores from others that the library had before, in caches that
	// last longer than the process: a digest of where they are and of who asks.
	ID string
	// CDN is the address below which everybody gets the objects of Covers that have
	// their tag in the key, such as "https://d123.cloudfront.net/covers/". It ends
	// in a slash. It is not used while Options.Files.Restricted is true. Empty is
	// none.
	CDN string
}

// place names the library, and the stores that it has, in keys of caches.
func (l *library) place() string { return l.Name + "/" + l.Placement.ID }

// book returns the store of a format, nil if that is the folder.
func (p *Placement) book(want wanted) storage.Store {
	if s, ok := p.Books[strings.ToUpper(string(want))]; ok {
		return s
	}
	return p.Books[""]
}

// Redirect says when clients are sent to a store that can sign addresses, instead
// of being sent the file.
type Redirect int

const (
	// RedirectAuto sends those who are not known to fail. Those are scripts in
	// pages, which the store would have to allow (CORS), wget, which shows the
	// store the credentials that are for us, and clients that would leave HTTPS.
	RedirectAuto Redirect = iota
	// RedirectAlways sends all who GET.
	RedirectAlways
	// RedirectNever sends none.
	RedirectNever
)

// redirects reports whether r may be answered by an address at a store. What is
// signed is signed for GET.
func (f *files) redirects(r *http.Request, to string) bool {
	if r.Method != http.MethodGet {
		return false
	}
	switch f.api.opts.Files.Redirect {
	case RedirectNever:
		return false
	case RedirectAlways:
		return true
	}
	return r.Header.Get("Sec-Fetch-Mode") != "cors" && !strings.HasPrefix(r.UserAgent(), "Wget/") &&
		!(f.api.encrypted(r) && strings.HasPrefix(to, "http:"))
}

// redirect sends the client to an address that works until expires; zero is for
// good.
func (f *files) redirect(w http.ResponseWriter, to string, maxAge time.Duration, expires time.Time) {
	if !expires.IsZero() {
		maxAge = min(maxAge, time.Until(expires)/2)
	}
	h := w.Header()
	h["Location"] = []string{to}
	h["Cache-Control"] = []string{"private, max-age=" + strconv.Itoa(int(maxAge/time.Second))}
	h["Referrer-Policy"] = noReferrer
	h["Vary"] = []string{h["Vary"][0] + ", Sec-Fetch-Mode"}
	h["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusFound)
}

// everybodySeesAll reports whether nobody is kept from anything, so that an
// address without a signature gives nothing away.
func (f *files) everybodySeesAll(ctx context.Context) bool {
	if restricted := f.api.opts.Files.Restricted; restricted != nil {
		some, err := restricted(ctx)
		return err == nil && !some
	}
	return f.api.opts.Logins == nil
}
