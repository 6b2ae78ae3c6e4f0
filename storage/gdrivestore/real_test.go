package gdrivestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// exist fails the test for keys that are not there.
func exist(t testing.TB, s storage.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, err := s.Stat(t.Context(), key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// A folder that is gone, or to which a link leads that is not shared, takes nothing
// else with it, though Drive refuses to list what is in several folders then.
func TestDeadFolders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{Latency: 150 * time.Millisecond}, 20)
		outside := d.AddFolder("", "outside")
		d.AddShortcut(d.Root(), "Link", outside)
		d.Forbid(outside, "notFound")
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		missing(t, s, "nothing")
		deleted, _ := d.Lookup("Author 3")
		d.Delete(deleted)
		var wg sync.WaitGroup
		for i, key := range keys {
			if i/2 != 3 {
				wg.Go(func() { exist(t, s, key) })
			}
		}
		wg.Wait()
		missing(t, s, keys[6])
		if n := len(listed(t, s, "")); n != 3*38 {
			t.Errorf("lists %d objects of 114", n)
		}
		d.Reset()
		for i := range 20 {
			missing(t, s, fmt.Sprintf("Link/%d", i))
		}
		if n := d.Calls().API(); n > 5 {
			t.Errorf("%d requests for what is behind a dead link", n)
		}
	})
}

// forgetful leaves what is in one folder out of answers about several, as Drive does
// at times.
type forgetful struct {
	http.RoundTripper
	folder string
}

func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if text := q.Get("q"); strings.Contains(text, " or ") {
		q.Set("q", strings.ReplaceAll(text, "'"+f.folder+"' in parents", "name = 'nothing has this name'"))
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
	}
	return f.RoundTripper.RoundTrip(r)
}

func TestForgetful(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, _ := lib(drivetest.Options{}, 10)
		author, _ := d.Lookup("Author 3")
		client := d.Client()
		client.Transport = forgetful{client.Transport, author}
		service, err := gdrivestore.NewService(t.Context(), d.Credentials("http://127.0.0.1:1"), option.WithHTTPClient(client))
		if err != nil {
			t.Fatal(err)
		}
		s, err := gdrivestore.New(service, d.Root(), gdrivestore.Options{Cache: cached(nil)})
		if err != nil {
			t.Fatal(err)
		}
		exist(t, s, "Author 3/Title 7 (7)/cover.jpg", "Author 3/Title 8 (8)/cover.jpg", "Author 4/Title 9 (9)/cover.jpg")
	})
}

// What was empty, or not there, for a while is not taken to be so for long.
func TestBrief(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const renamed = "M. Holloway/The Salt Road (2)/The Salt Road - M. Holloway.epub"
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("content"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		missing(t, s, "Maren Holloway/x")
		author, _ := d.Lookup("Maren Holloway")
		d.Trash(author)
		_, _ = s.Stat(t.Context(), tide) // what is in its folder is in the trash, too
		missing(t, s, renamed)
		<-time.After(10 * time.Minute)
		missing(t, s, tide)
		d.Untrash(author)
		d.Put("Maren Holloway/The Salt Road (2)/The Salt Road - Maren Holloway.epub", []byte("salt"))
		<-time.After(3 * time.Minute)
		want(t, s, tide, "content")
		want(t, s, renamed, "salt")
	})
}

// A library in the trash, and one that Drive does not tell of, is not one without
// books.
func TestNotKnown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("content"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		want(t, s, tide, "content")
		<-time.After(time.Minute)

		d.Put("new.txt", []byte("new"))
		d.SetLatency(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := s.Stat(ctx, "new.txt"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before Drive has answered: %v", err)
		}
		d.SetLatency(0)
		<-time.After(time.Minute)
		d.Put("newer.txt", []byte("new"))
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Status: http.StatusServiceUnavailable} })
		<-time.After(time.Hour)
		if _, err := s.Stat(t.Context(), "newer.txt"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("while Drive does not answer: %v", err)
		}
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Delay: time.Hour} })
		<-time.After(time.Hour)
		fresh := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		if _, err := fresh.Stat(t.Context(), "newer.txt"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("while Drive hangs, without a deadline: %v", err)
		}
		d.Fail(nil)
		d.Trash(d.Root())
		<-time.After(time.Hour)
		_, _ = s.Stat(t.Context(), "nothing")
		<-time.After(time.Minute)
		if _, err := s.Stat(t.Context(), tide); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("in the trash: %v", err)
		}
		for _, err := range s.List(t.Context(), "") {
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("a list of the trash: %v", err)
			}
		}
	})
}

// Who reads no further than the last byte learns of a mixture, too.
func TestMixture(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		id := d.Put(tide, []byte(strings.Repeat("old", 100_000)))
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			switch {
			case r.Op != drivetest.OpMedia:
			case r.N == 1:
				return drivetest.Fault{Cut: 70_000}
			default:
				d.Replace(id, []byte(strings.Repeat("new", 100_000)))
			}
			return drivetest.Fault{}
		})
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		rc, info, err := s.Open(t.Context(), tide, storage.Range{})
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		if n, err := io.CopyN(io.Discard, rc, info.Size); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// A link to a folder above ends a list, and does not lengthen it.
func TestCycle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put("folder/file", []byte("x"))
		folder, _ := d.Lookup("folder")
		d.AddShortcut(folder, "up", d.Root())
		d.AddShortcut(d.Root(), "again", d.Root())
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		if got := listed(t, s, ""); len(got) != 1 {
			t.Errorf("lists %q", got)
		}
	})
}

// Many changes, and a token that Drive does not know any more, do not keep the store
// from hearing of others.
func TestPolls(t *testing.T) {
	for name, fault := range map[string]func(n int32) drivetest.Fault{
		"slow": func(int32) drivetest.Fault { return drivetest.Fault{Delay: 20 * time.Second} },
		"refused": func(n int32) drivetest.Fault {
			if n == 1 {
				return drivetest.Fault{Status: http.StatusBadRequest, Reason: "invalid"}
			}
			return drivetest.Fault{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := drivetest.New(drivetest.Options{MaxPage: 50})
				d.Put(tide, []byte("old"))
				s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
				for range 3 {
					want(t, s, tide, "old")
					<-time.After(10 * time.Minute)
				}
				d.Put(tide, []byte("newer"))
				for i := range 500 {
					d.Put(fmt.Sprintf("A/B (%d)/f", i), []byte("x"))
				}
				var n atomic.Int32
				d.Fail(func(r drivetest.Request) drivetest.Fault {
					if r.Op == drivetest.OpChanges {
						return fault(n.Add(1))
					}
					return drivetest.Fault{}
				})
				for range 10 {
					<-time.After(10 * time.Minute)
					_, _ = s.Stat(t.Context(), tide)
				}
				want(t, s, tide, "newer")
			})
		})
	}
}

// Who asks together does not ask much more than one, and who has given up does not
// keep the next one waiting.
func TestHerds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{Latency: 150 * time.Millisecond, MaxPage: 100}, 1000)
		shared := memcache.NewShared(nil)
		o := gdrivestore.Options{Cache: cached(shared), RequestsPer100s: 1000}
		s := open(t, d, o)
		missing(t, s, "nothing")
		<-time.After(2 * time.Minute)
		together := func(what string, s *gdrivestore.Store, limit time.Duration, most int) {
			d.Reset()
			var wg sync.WaitGroup
			for i := range 500 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					_, err := s.Stat(ctx, keys[4*i])
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := d.Calls().API(); n > most {
				t.Errorf("%s: %d requests: %+v", what, n, d.Calls())
			}
		}
		together("impatient", s, 30*time.Millisecond, 100)
		start := time.Now()
		exist(t, s, keys[1])
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the next one waited for %v", took)
		}
		together("patient", s, time.Minute, 150)
		<-time.After(10 * time.Minute)
		exist(t, s, keys[1])
		for i := range 1000 {
			d.Put(fmt.Sprintf("Z/B (%d)/f", 5000+i), []byte("x"))
		}
		<-time.After(24 * time.Hour)
		o.Cache = cached(shared)
		together("after a restart", open(t, d, o), time.Minute, 150)
	})
}

// A change of one author's does not make all authors be listed again.
func TestChangeElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{MaxPage: 10}, 300)
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		for range 3 {
			exist(t, s, keys[0])
			<-time.After(10 * time.Minute)
		}
		d.Put("Author 7/Another (9999)/x.epub", []byte("x"))
		_, _ = s.Stat(t.Context(), "Author 0/Title 1 (1)/cover.jpg")
		<-time.After(time.Second)
		d.Reset()
		exist(t, s, "Author 0/Title 1 (1)/metadata.opf")
		if n := d.Calls().List; n > 10 {
			t.Errorf("%d lists", n)
		}
	})
}

// Drive may not stop the store for as long as it likes.
func TestLongRetryAfter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("content"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		exist(t, s, tide)
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			if r.Op == drivetest.OpMedia && r.N == 1 {
				return drivetest.Fault{Status: http.StatusTooManyRequests, RetryAfter: 24 * time.Hour}
			}
			return drivetest.Fault{}
		})
		d.Reset()
		if _, err := get(t, s, tide, storage.Range{}); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		want(t, s, tide, "content")
	})
}

// Where tokens come from may fail, too, and hang.
func TestTokens(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	d.Put(tide, []byte("content"))
	url := d.Start(t)
	service, err := gdrivestore.NewService(t.Context(), d.Credentials(url), option.WithEndpoint(url))
	if err != nil {
		t.Fatal(err)
	}
	s, err := gdrivestore.New(service, d.Root(), gdrivestore.Options{Cache: cached(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, tide, "content")
	d.ExpireTokens()
	d.Reset()
	d.Fail(func(r drivetest.Request) drivetest.Fault {
		if r.Op == drivetest.OpToken && r.N == 1 {
			return drivetest.Fault{Status: http.StatusServiceUnavailable}
		}
		return drivetest.Fault{}
	})
	want(t, s, tide, "content")
	d.ExpireTokens()
	d.Fail(func(r drivetest.Request) drivetest.Fault {
		return drivetest.Fault{Stall: -1}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := s.Open(ctx, tide, storage.Range{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the context", err)
	}
}

// A Drive that hangs is given up in a time that readers bear.
func TestHanging(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("content"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		exist(t, s, tide)
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Delay: 10 * time.Hour} })
		start := time.Now()
		_, err := get(t, s, tide, storage.Range{})
		if took := time.Since(start); !errors.Is(err, storage.ErrUnavailable) || took > 50*time.Second {
			t.Errorf("%v, after %v", err, took)
		}
		start = time.Now()
		_, err = s.Stat(t.Context(), "nothing/of this (1)/kind.epub")
		if took := time.Since(start); !errors.Is(err, storage.ErrUnavailable) || took > time.Minute {
			t.Errorf("what is not known: %v, after %v", err, took)
		}
		t.Log(time.Since(start))
	})
}
