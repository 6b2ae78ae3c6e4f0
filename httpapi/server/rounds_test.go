package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// step is the state of a library after a command of TestCalibreWrites: in each
// round a book is added, then renamed, then that of the round before removed.
type step struct{ round, command int }

func (s step) before(o step) bool {
	return s.round < o.round || s.round == o.round && s.command < o.command
}

// rounds watches which step a server shows.
type rounds struct {
	mu    sync.Mutex
	steps []shown
	end   chan struct{}
	ended chan struct{}
}

// shown is a step that the server showed, and when it was first seen.
type shown struct {
	step
	at time.Time
}

type titles struct {
	Items []struct {
		ID    int64
		Title string
	}
}

const latestBooks = "/api/books?sort=-id&limit=2"

func watchRounds(t *testing.T, l *load, url string) *rounds {
	t.Helper()
	r := &rounds{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-r.end:
				return
			case <-t.Context().Done():
				return
			case <-ticker.C:
			}
			var page titles
			if err := l.decode(t.Context(), url+latestBooks, &page); err == nil {
				r.saw(page)
			} else if t.Context().Err() == nil {
				t.Error(err)
			}
		}
	}()
	return r
}

// saw notes the step that the books with the highest ids tell of.
func (r *rounds) saw(page titles) {
	var s step
	title, isSet := strings.CutSuffix(page.Items[0].Title, " set")
	if n, err := fmt.Sscanf(title, "Round %d", &s.round); err != nil || n != 1 {
		return // before the first round
	}
	s.command = 1
	if isSet {
		s.command = 2
		if !strings.HasPrefix(page.Items[1].Title, "Round ") {
			s.command = 3
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.steps); n == 0 || r.steps[n-1].before(s) {
		r.steps = append(r.steps, shown{s, time.Now()})
	}
}

// reached reports whether the server has shown s or a later step.
func (r *rounds) reached(s step) bool { return !r.seen(s).IsZero() }

// seen is when the server first showed s or a later step.
func (r *rounds) seen(s step) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.steps {
		if !o.before(s) {
			return o.at
		}
	}
	return time.Time{}
}

func (r *rounds) stop() {
	close(r.end)
	<-r.ended
}
