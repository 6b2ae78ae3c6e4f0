package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// How late the server may be: the time to settle, and what it takes to notice,
// to copy and to load. Only a full run holds it to that; on a machine that is
// busy with other tests the patience is what a test can do without.
const (
	afterBurst  = 3 * time.Second
	insideBurst = 12 * time.Second
	patience    = time.Minute
)

// roundsVar makes a full run: that many rounds of commands, 2,000 books, a lock
// held for 30 s, connections that ask as fast as they can.
const roundsVar = "PRESSMARK_CALIBRE_ROUNDS"

func fullRun(t *testing.T) (rounds int, full bool) {
	t.Helper()
	v := os.Getenv(roundsVar)
	if v == "" {
		return 12, false
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number of rounds", roundsVar, v)
	}
	return n, true
}

// late reports the greatest lag of a kind and checks it in a full run.
func late(t *testing.T, what string, lag, promise time.Duration, full bool) {
	t.Helper()
	t.Logf("%s: %v at most, promised are %v", what, lag.Round(10*time.Millisecond), promise)
	if full && lag > promise {
		t.Errorf("%s: %v", what, lag)
	}
}

// underLoad serves a copy of the sample with the settings that users have, and
// loads it.
func underLoad(t *testing.T, full bool) (root, url string, l *load) {
	t.Helper()
	c := sampleConfig(t)
	c.WatchSettle = 0
	url = serve(t, open(t, c))
	return c.Libraries[0].Path, url, startLoad(t, url, full)
}

// TestCalibreWrites runs calibredb in bursts beside a server under load. None
// may fail (the server must not be in Calibre's way), and each change shows.
func TestCalibreWrites(t *testing.T) {
	calibretest.RequireCalibre(t)
	rounds, full := fullRun(t)
	root, url, l := underLoad(t, full)
	bursts := [...]int{2, 2, 16} // rounds; the last outlasts the longest delay
	previous := addedID(calibretest.CalibreDB(t, root, "add", "--empty", "--title", "Round 0"))
	var inside, after time.Duration
	for first, last, kind := 1, 0, 0; last < rounds; first, kind = last+1, kind+1 {
		last = min(first+bursts[kind%len(bursts)]-1, rounds)
		w := watchRounds(t, l, url)
		var ended []time.Time // each command of the burst
		command := func(args ...string) string {
			out := calibretest.CalibreDB(t, root, args...)
			ended = append(ended, time.Now())
			return out
		}
		for i := first; i <= last; i++ {
			id := addedID(command("add", "--empty", "--title", fmt.Sprintf("Round %d", i)))
			command("set_metadata", "--field", fmt.Sprintf("title:Round %d set", i), id)
			command("remove", previous)
			previous = id
		}
		poll(t, patience, "the last command of the burst", func() bool { return w.reached(step{last, 3}) })
		w.stop()
		for n, end := range ended {
			lag := w.seen(step{first + n/3, n%3 + 1}).Sub(end)
			inside = max(inside, lag)
			if n == len(ended)-1 {
				after = max(after, lag)
			}
		}
	}
	late(t, "inside a burst", inside, insideBurst, full)
	late(t, "after a burst", after, afterBurst, full)
}

// addedID is the id in "Added book ids: 25".
func addedID(out string) string { return strings.TrimSpace(out[strings.LastIndexByte(out, ':')+1:]) }

// TestCalibreImports adds books one after another in one Calibre process, as
// its window does. They must show as it goes.
func TestCalibreImports(t *testing.T) {
	calibretest.RequireCalibre(t)
	_, full := fullRun(t)
	books := 200
	if full {
		books = 2000
	}
	root, url, l := underLoad(t, full)
	driver := calibretest.NewDriver(t, root)
	var added []float64
	done := make(chan error, 1)
	go func() {
		// Reading a file and its cover takes Calibre about as long as the pause.
		done <- driver.Eval(&added, `
import time
from calibre.ebooks.metadata.book.base import Metadata
times = []
for i in range(args[0]):
    db.create_book_entry(Metadata('Import %d' % i, ['Author %d' % (i % 50)]))
    times.append(time.time())
    time.sleep(0.07)
times`, books)
	}()
	type sample struct {
		at    time.Time
		total int
	}
	var samples []sample
	poll(t, time.Duration(books)*time.Second+patience, "the last book", func() bool {
		var page struct{ Total int }
		l.get(t, url+"/api/books?limit=1", &page)
		samples = append(samples, sample{time.Now(), page.Total})
		return page.Total == 24+books
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var lag time.Duration
	n, steps := 0, 0
	for i, s := range samples {
		if i > 0 && s.total != samples[i-1].total {
			steps++
		}
		for ; n < s.total-24; n++ {
			lag = max(lag, s.at.Sub(time.UnixMicro(int64(added[n]*1e6))))
		}
	}
	t.Logf("%d books in %.1f s showed in %d steps", books, added[books-1]-added[0], steps)
	if steps < 2 {
		t.Error("the books did not show as they came")
	}
	late(t, "behind the import", lag, insideBurst, full)
}

// TestExclusiveLock has another process hold metadata.db after a change, so
// that it cannot be read. Everything else goes on, and readiness says why.
func TestExclusiveLock(t *testing.T) {
	_, full := fullRun(t)
	hold := 5 * time.Second
	if full {
		hold = 30 * time.Second
	}
	root, url, l := underLoad(t, full)
	type health struct {
		Status    string
		Libraries []struct{ Problem *string }
	}
	ready := func() (h health) {
		l.get(t, url+"/api/health/ready", &h) // 200: there is something to answer with
		return h
	}
	holder := start(t, roleExclusive, nil, database(root), "")
	if line := holder.line(t); line != "held" {
		t.Fatal(line)
	}
	held := time.Now()
	poll(t, patience, "the problem", func() bool { return ready().Libraries[0].Problem != nil })
	if h := ready(); h.Status != "degraded" || !strings.Contains(*h.Libraries[0].Problem, "locked") {
		t.Errorf("ready says %s, %s", h.Status, *h.Libraries[0].Problem)
	}
	t.Logf("the problem showed after %v", time.Since(held).Round(10*time.Millisecond))
	title := func() string {
		var b struct{ Title string }
		l.get(t, url+"/api/books/1", &b)
		return b.Title
	}
	poll(t, hold+patience, "the end of the lock", func() bool {
		if got := title(); got != "The Tide Clerk" {
			t.Fatalf("book 1 is %q while nobody can read it", got)
		}
		return time.Since(held) >= hold
	})
	if err := holder.end(); err != nil {
		t.Fatal(err)
	}
	released := time.Now()
	poll(t, patience, "the recovery", func() bool { return title() == "Held" && ready().Libraries[0].Problem == nil })
	t.Logf("recovered %v after a lock of %v", time.Since(released).Round(10*time.Millisecond), released.Sub(held).Round(10*time.Millisecond))
}
