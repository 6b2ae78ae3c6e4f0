package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what all readers do, from start to stop.
type load struct {
	site  *site
	tally *tally
	book  *ledger
	think time.Duration // between two page views of one reader, on average
	mix   *mix

	stop    context.CancelFunc
	pacing  sync.WaitGroup
	working sync.WaitGroup
}

// mix is what readers look at: pages, each the less often the further down the
// list it is (Zipf), and books in the same way.
type mix struct {
	lists, searches []string
	tags            sync.Map // path → ETag that was seen
}

// How pages are asked for.
const (
	differentLists    = 400
	differentSearches = 400
	skew              = 1.3
	coversOfPage      = 6
	openViews         = 16  // page views of one reader that may be under way
	conditional       = 0.3 // of requests, if the page was seen before
)

func newMix(lib *library) *mix {
	rng := rand.New(rand.NewPCG(seed, 7))
	m := &mix{lists: []string{"/api/books?limit=50&sort=-added"}}
	sorts := []string{"title", "-added", "author", "-published", "-rating"}
	for len(m.lists) < differentLists {
		q := []string{"limit", "50", "sort", sorts[rng.IntN(len(sorts))]}
		if rng.IntN(2) == 0 {
			q = append(q, "rating", fmt.Sprintf("%d..5", 1+rng.IntN(5)))
		}
		if rng.IntN(2) == 0 {
			year := 1950 + rng.IntN(76)
			q = append(q, "published", fmt.Sprint(year))
		}
		m.lists = append(m.lists, path("/api/books", q...))
	}
	for len(m.searches) < differentSearches {
		word := lib.words[rng.IntN(len(lib.words))]
		if rng.IntN(3) == 0 {
			word = "title:" + word
		}
		m.searches = append(m.searches, path("/api/books", "limit", "50", "q", word))
	}
	return m
}

// startLoad lets the readers begin. They end when ctx does, or with halt.
func startLoad(ctx context.Context, s *site, think time.Duration) *load {
	l := &load{site: s, tally: &tally{}, book: newLedger(), think: think, mix: newMix(s.library)}
	ctx, l.stop = context.WithCancel(ctx)
	for _, r := range s.users {
		l.pacing.Go(func() { l.pace(ctx, r) })
	}
	return l
}

// halt lets what is under way end.
func (l *load) halt() {
	l.stop()
	l.pacing.Wait()
	l.working.Wait()
}

// pace has a reader look at pages when it is time, whatever became of those
// before: a server that is slow gets no fewer requests for it.
func (l *load) pace(ctx context.Context, r *reader) {
	half := int64(l.think) / 2
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now().Add(time.Duration(r.rng.Int64N(int64(l.think)))) // not all at once
	for {
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		r.mu.Lock()
		full := r.open >= openViews
		if !full {
			r.open++
		}
		r.mu.Unlock()
		l.tally.view(full)
		if !full {
			v := &view{load: l, reader: r, due: due, rng: rand.New(rand.NewPCG(r.rng.Uint64(), r.rng.Uint64()))}
			l.tally.open(v)
			l.working.Go(func() {
				defer l.tally.close(v)
				// What was begun is ended, also after the load.
				v.run(context.WithoutCancel(ctx))
				r.mu.Lock()
				r.open--
				r.mu.Unlock()
			})
		}
		due = due.Add(time.Duration(half + r.rng.Int64N(2*half))) // ± 50 %
	}
}

// view is one page view of a reader.
type view struct {
	load   *load
	reader *reader
	due    time.Time
	rng    *rand.Rand
}

// run looks at one of the things that readers look at.
func (v *view) run(ctx context.Context) {
	if _, old := v.reader.token(); old {
		v.renew(ctx)
	}
	lib := v.load.site.library
	switch n := v.rng.IntN(100); {
	case n < 35:
		v.page(ctx, lists, v.load.mix.lists[v.zipf(len(v.load.mix.lists))])
	case n < 55:
		v.page(ctx, searches, v.load.mix.searches[v.zipf(len(v.load.mix.searches))])
	case n < 75:
		id := strconv.Itoa(int(lib.books[v.zipf(len(lib.books))].id))
		v.get(ctx, details, "/api/books/"+id, v.due)
		var own []string
		for _, b := range v.reader.books {
			own = append(own, b.uuid)
		}
		v.get(ctx, states, path("/api/me/books", "books", strings.Join(own, ",")), time.Now())
	case n < 95:
		v.write(ctx)
	default:
		place := []class{localDownloads, localDownloads, s3Downloads, driveDownloads}[v.rng.IntN(4)]
		v.download(ctx, place, lib.files[place][v.rng.IntN(len(lib.files[place]))])
	}
}

// zipf draws from n things.
func (v *view) zipf(n int) int {
	return int(rand.NewZipf(v.rng, skew, 1, uint64(n-1)).Uint64())
}

// page gets a page of books, and then the covers on it.
func (v *view) page(ctx context.Context, c class, path string) {
	v.get(ctx, c, path, v.due)
	var wg sync.WaitGroup
	covers := v.load.site.library.covers
	for i := range coversOfPage {
		cover := fmt.Sprintf("/api/files/cover/%d", covers[v.zipf(len(covers))])
		if i > 0 { // the first is one that was opened
			cover += "?size=thumb"
		}
		wg.Go(func() { v.cover(ctx, cover) })
	}
	wg.Wait()
}

func (v *view) cover(ctx context.Context, path string) {
	token, _ := v.reader.token()
	due := time.Now()
	rep := v.reader.send(ctx, http.MethodGet, path, token, nil)
	v.note(coverImages, due, rep, http.StatusOK, http.StatusNotModified, http.StatusFound, http.StatusTemporaryRedirect)
}

// get asks for a page, sometimes only if it has changed.
func (v *view) get(ctx context.Context, c class, path string, due time.Time) {
	token, _ := v.reader.token()
	var header []string
	tags := &v.load.mix.tags
	if tag, ok := tags.Load(path); ok && c != states && rand.Float64() < conditional {
		header = []string{"If-None-Match", tag.(string)}
	}
	rep := v.reader.send(ctx, http.MethodGet, path, token, nil, header...)
	if tag := rep.header.Get("ETag"); tag != "" && c != states {
		tags.Store(path, tag)
	}
	v.note(c, due, rep, http.StatusOK, http.StatusNotModified)
}

// note counts a reply whose status has to be one of those.
func (v *view) note(c class, due time.Time, rep reply, want ...int) {
	e := event{class: c, due: due, took: time.Since(due), kind: kindOf(rep.err)}
	if rep.err == nil {
		e.kind = strconv.Itoa(rep.status)
		for _, w := range want {
			if rep.status == w {
				e.kind = ""
			}
		}
		e.later = rep.header.Get("Retry-After") != ""
		if e.kind != "" {
			e.text = string(rep.body[:min(len(rep.body), 300)])
		}
	}
	if rep.err != nil {
		e.text = rep.err.Error()
	}
	if rep.status == http.StatusUnauthorized && rep.err == nil {
		v.reader.outdate()
	}
	v.load.tally.add(e)
}

// download gets a book and compares it.
func (v *view) download(ctx context.Context, c class, f file) {
	token, _ := v.reader.token()
	rep := v.reader.send(ctx, http.MethodGet, fmt.Sprintf("/api/files/download/%d/%s", f.book, f.format), token, nil)
	if rep.err == nil && rep.status == http.StatusOK && sha256.Sum256(rep.body) != f.sum {
		v.load.tally.add(event{class: c, due: v.due, took: time.Since(v.due), kind: kindWrong})
		return
	}
	v.note(c, v.due, rep, http.StatusOK)
}

// write tells a place in one of the reader's books, which goes into the ledger.
func (v *view) write(ctx context.Context) {
	k := key{v.reader.id, v.reader.books[v.rng.IntN(len(v.reader.books))].uuid}
	v.load.book.quiet.RLock()
	defer v.load.book.quiet.RUnlock()
	version, ok := v.load.book.begin(k)
	if !ok {
		return // the place before is still on its way
	}
	locator := fmt.Sprintf("epubcfi(/6/%d!/4/2/%d:0)", 2+2*v.rng.IntN(50), v.rng.Uint32())
	token, _ := v.reader.token()
	rep := v.reader.send(ctx, http.MethodPut, "/api/me/books/"+k.book+"/progress", token, map[string]any{
		"locator_type": "cfi", "locator": locator, "progression": float64(v.rng.IntN(9000)) / 10000, "device": "Trial", "if_version": version,
	})
	v.settle(k, locator, rep)
}

// settle enters the outcome of a write.
func (v *view) settle(k key, locator string, rep reply) {
	var told struct{ Progress, Stored place }
	err := rep.err
	if err == nil && (rep.status == http.StatusOK || rep.status == http.StatusConflict) {
		err = json.Unmarshal(rep.body, &told)
	}
	want := []int{http.StatusOK}
	switch {
	case err != nil || rep.status >= 500:
		v.load.book.lose(k, locator)
	case rep.status == http.StatusOK:
		v.load.book.acknowledge(k, told.Progress, locator)
	case rep.status == http.StatusConflict:
		// It was stored by an attempt that had no answer: a proxy may have made two
		// of one.
		v.load.book.conflict(k, told.Stored, locator)
		want = append(want, http.StatusConflict)
	default:
		v.load.book.refuse(k)
	}
	if rep.err == nil {
		rep.err = err
	}
	v.note(writes, v.due, rep, want...)
}

// renew gets a new token.
func (v *view) renew(ctx context.Context) {
	due := time.Now()
	rep := v.reader.renew(ctx)
	if rep.err == nil && rep.status == http.StatusOK {
		rep.err = v.reader.take(rep)
	}
	v.note(tokens, due, rep, http.StatusOK)
}

// audit reads back all that was written. It is called when nobody writes; the
// ledger notes what was lost.
func (l *load) audit(ctx context.Context) (checked int, err error) {
	for _, r := range l.site.users {
		books := l.book.of(r.id)
		if len(books) == 0 {
			continue
		}
		token, _ := r.token()
		rep := r.send(ctx, http.MethodGet, path("/api/me/books", "books", strings.Join(books, ",")), token, nil, "Accept-Encoding", "identity")
		if rep.err != nil || rep.status != http.StatusOK {
			return checked, fmt.Errorf("reading back what %s wrote: answered %d: %.300s, %w", r.name, rep.status, rep.body, rep.err)
		}
		var answer struct {
			Items []struct {
				Book     string
				Progress *place
			}
		}
		if err := json.Unmarshal(rep.body, &answer); err != nil {
			return checked, err
		}
		if len(answer.Items) != len(books) {
			return checked, fmt.Errorf("asked for %d books of %s, got %d", len(books), r.name, len(answer.Items))
		}
		for _, item := range answer.Items {
			var stored place
			if item.Progress != nil {
				stored = *item.Progress
			}
			l.book.check(key{r.id, item.Book}, stored)
			checked++
		}
	}
	return checked, nil
}
