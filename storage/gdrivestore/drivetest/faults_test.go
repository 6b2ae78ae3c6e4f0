package drivetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/drive/v3"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

func TestFaults(t *testing.T) {
	modes(t, drivetest.Options{}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		f := d.Put("f", []byte("0123456789"))
		fail := func(op string, fault drivetest.Fault) {
			d.Fail(func(r drivetest.Request) drivetest.Fault {
				if r.Op == op {
					return fault
				}
				return drivetest.Fault{}
			})
		}
		for _, c := range []struct {
			fault  drivetest.Fault
			code   int
			reason string
		}{
			{drivetest.Fault{Status: 429}, 429, "rateLimitExceeded"},
			{drivetest.Fault{Reason: "rateLimitExceeded"}, 403, "rateLimitExceeded"},
			{drivetest.Fault{Reason: "userRateLimitExceeded"}, 403, "userRateLimitExceeded"},
			{drivetest.Fault{Reason: "dailyLimitExceeded"}, 403, "dailyLimitExceeded"},
			{drivetest.Fault{Status: 503}, 503, "backendError"},
			{drivetest.Fault{Status: 500, Reason: "internalError"}, 500, "internalError"},
			{drivetest.Fault{Status: 502, Cut: 10_000}, 502, "backendError"},
			{drivetest.Fault{Reason: "notFound"}, 404, "notFound"},
			{drivetest.Fault{Reason: "authError"}, 401, "authError"},
			{drivetest.Fault{Reason: "downloadQuotaExceeded"}, 403, "downloadQuotaExceeded"},
			{drivetest.Fault{Status: 400}, 400, "badRequest"},
		} {
			fail(drivetest.OpGet, c.fault)
			_, err := s.Files.Get(f).Do()
			check(t, err, c.code, c.reason)
		}
		fail(drivetest.OpList, drivetest.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond})
		_, err := s.Files.List().Do()
		if e := check(t, err, 429, "rateLimitExceeded"); e.Header.Get("Retry-After") != "2" {
			t.Error(e.Header)
		}
		fail(drivetest.OpList, drivetest.Fault{Incomplete: true})
		if l, err := s.Files.List().Do(); !must(t, l, err).IncompleteSearch || len(l.Files) != 2 {
			t.Errorf("%+v", l)
		}
		fail(drivetest.OpList, drivetest.Fault{Cut: 20})
		if l, err := s.Files.List().Do(); err == nil {
			t.Errorf("%+v", l)
		}

		body := func(fault drivetest.Fault, rng, want string, wantErr error) {
			t.Helper()
			fail(drivetest.OpMedia, fault)
			res, body, err := download(t, s, f, rng)
			if string(body) != want || !errors.Is(err, wantErr) {
				t.Errorf("%+v: %q, %v", fault, body, err)
			}
			if fault.Truncate != 0 && res.ContentLength != int64(len(want)) {
				t.Error(res.ContentLength)
			}
		}
		body(drivetest.Fault{Cut: 3}, "", "012", io.ErrUnexpectedEOF)
		body(drivetest.Fault{Cut: -1}, "", "", io.ErrUnexpectedEOF)
		body(drivetest.Fault{Cut: 3}, "bytes=5-", "567", io.ErrUnexpectedEOF)
		body(drivetest.Fault{Truncate: 3}, "", "012", nil)
		body(drivetest.Fault{Truncate: -1}, "", "", nil)
		body(drivetest.Fault{Flip: 3}, "", "012\x13456789", nil)
		body(drivetest.Fault{Flip: -1}, "", "\x10123456789", nil)
		body(drivetest.Fault{Flip: 30, Cut: 30, Truncate: 30}, "bytes=-2", "89", nil) // beyond the end
		fail(drivetest.OpMedia, drivetest.Fault{Drop: true})
		if _, _, err := download(t, s, f, ""); !errors.Is(err, io.EOF) {
			t.Error(err)
		}

		fail(drivetest.OpMedia, drivetest.Fault{Stall: 3})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		res, err := s.Files.Get(f).Context(ctx).Download()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		three := make([]byte, 3)
		if _, err := io.ReadFull(res.Body, three); err != nil || string(three) != "012" {
			t.Error(string(three), err)
		}
		cancel()
		if _, err := res.Body.Read(three); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		d.Fail(nil)
		body(drivetest.Fault{}, "", "0123456789", nil)
	})
}

// TestStallEnds: who closes the body ends a stalled download, and so does Close of
// the server, which waits for it.
func TestStallEnds(t *testing.T) {
	modes(t, drivetest.Options{}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		f := d.Put("f", []byte("0123456789"))
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			if r.Op == drivetest.OpMedia {
				return drivetest.Fault{Stall: -1}
			}
			return drivetest.Fault{}
		})
		res, err := s.Files.Get(f).Download()
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		res, err = s.Files.Get(f).Download()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() }) // after the server, if there is one
	})
}

func TestRequests(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	s := service(t, d)
	f := d.Put("f", []byte("x"))
	var mu sync.Mutex
	var seen []int
	d.Fail(func(r drivetest.Request) drivetest.Fault {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.N)
		d.Calls() // may be called
		if r.Op == drivetest.OpMedia && r.N <= 2 {
			return drivetest.Fault{Status: 503}
		}
		return drivetest.Fault{}
	})
	for i := range 3 {
		_, _, err := download(t, s, f, "bytes=0-0")
		if (err == nil) != (i == 2) {
			t.Error(i, err)
		}
	}
	start(t, s)
	want(t, seen, 1, 2, 3, 1)
	r := d.Requests()[2]
	if r.Op != drivetest.OpMedia || r.FileID != f || r.Range != "bytes=0-0" || r.N != 3 || r.Query.Get("alt") != "media" || r.Method != http.MethodGet || r.Path != "/drive/v3/files/"+f {
		t.Errorf("%+v", r)
	}
	if c := d.Calls(); c.Media != 3 || c.StartPageToken != 1 || c.Bytes != 1 || c.Busiest != 4 || c.API() != 4 {
		t.Errorf("%+v", c)
	}
	d.Reset()
	if c := d.Calls(); c != (drivetest.Counts{}) || len(d.Requests()) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{PerUser100s: 10, PerDay: 35})
		s := service(t, d)
		answered := func(n int) (ok int) {
			for range n {
				if _, err := s.Changes.GetStartPageToken().Do(); err == nil {
					ok++
				} else if check(t, err, 403, "userRateLimitExceeded"); ok == 0 {
					return 0
				}
				time.Sleep(time.Second)
			}
			return ok
		}
		if n := answered(15); n != 10 { // in seconds 0 to 9
			t.Error(n)
		}
		time.Sleep(85*time.Second - 1) // just before 100
		if n := answered(1); n != 0 {
			t.Error(n)
		}
		time.Sleep(time.Nanosecond)
		if n := answered(10); n != 10 { // one more for each that is 100 s ago
			t.Error(n)
		}
		if c := d.Calls(); c.Limited != 6 || c.Busiest != 16 {
			t.Errorf("%+v", c)
		}
		time.Sleep(100 * time.Second)
		answered(10)
		time.Sleep(100 * time.Second)
		answered(5)
		_, err := s.Files.List().Do()
		check(t, err, 403, "dailyLimitExceeded")
		time.Sleep(24 * time.Hour)
		answered(1)
	})
}

func TestTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{Latency: 80 * time.Millisecond, BytesPerSecond: 1_000_000})
		s := service(t, d)
		id := d.AddGenerated(d.Root(), "f", 10_000_000, 1)
		took := func(do func()) time.Duration {
			begin := time.Now()
			do()
			return time.Since(begin)
		}
		if got := took(func() { start(t, s) }); got != 80*time.Millisecond {
			t.Error(got)
		}
		if got := took(func() { download(t, s, id, "") }); got != 10*time.Second+80*time.Millisecond {
			t.Error(got)
		}
		if got := took(func() { // each connection has its own
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { download(t, s, id, "bytes=0-999999") })
			}
			wg.Wait()
		}); got != time.Second+80*time.Millisecond {
			t.Error(got)
		}
		d.SetBytesPerSecond(0)
		d.SetLatency(time.Hour)
		if got := took(func() { download(t, s, id, "") }); got != time.Hour {
			t.Error(got)
		}
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Delay: time.Minute} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour+time.Second)
		defer cancel()
		if got := took(func() {
			if _, err := s.Files.List().Context(ctx).Do(); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}); got != time.Hour+time.Second {
			t.Error(got)
		}
		d.Fail(nil)
		d.SetLatency(0)
		d.SetBytesPerSecond(100) // slower than the deadline
		for range 50 {           // the end of the body and that of ctx race
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			res, err := s.Files.Get(id).Context(ctx).Download()
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, res.Body); !errors.Is(err, context.DeadlineExceeded) || n < 490 || n > 500 {
				t.Error(n, err)
			}
			res.Body.Close()
			cancel()
		}
	})
}

// TestConcurrent has everything go on at once, for the race detector.
func TestConcurrent(t *testing.T) {
	d := drivetest.New(drivetest.Options{PerUser100s: 100_000})
	s := service(t, d)
	token := start(t, s)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 21 {
				id := d.Put(fmt.Sprintf("%d/%d", j%5, i), []byte{byte(j)})
				_, _ = s.Files.Get(id).Fields("*").Do()
				_, _ = s.Files.List().Q("trashed = false").PageSize(3).Do()
				_, _ = s.Changes.List(token).Do()
				_, _, _ = download(t, s, id, "")
				switch j % 7 {
				case 0:
					_ = d.Delete(id)
				case 1:
					_ = d.Trash(id)
				case 2:
					d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Flip: 1} })
				case 3:
					d.Fail(nil)
				case 4:
					_ = d.Move(id, d.Root())
				case 5:
					_ = d.Forbid(id, "downloadQuotaExceeded")
				case 6:
					d.Requests()
				}
			}
		})
	}
	wg.Wait()
	last, err := s.Changes.List(token).PageSize(1000).Do()
	if must(t, last, err).NewStartPageToken == "" {
		t.Error("no end")
	}
}
