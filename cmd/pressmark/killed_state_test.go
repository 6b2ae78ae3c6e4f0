//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// writesPerKill is how many places are acknowledged at least before each kill:
// 10,000 in all.
const writesPerKill = 10_000 / kills

// TestPlacesSurviveKills kills a server with SIGKILL while readers tell it where
// they are, 20 times. Each of 10,000 places that it has acknowledged is in the
// history after the next start, and the last one of each book is the place.
func TestPlacesSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and kills it many times")
	}
	binary := build(t)
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, env := toBeKilled(t, name)
			var readers []*placeWriter
			for _, w := range newWriters(t, c) {
				readers = append(readers, &placeWriter{writer: w, told: map[int]*told{}})
			}
			random := rand.New(rand.NewPCG(3, 4))
			for range kills {
				p := launch(t, binary, env)
				for _, one := range readers {
					one.check(t, p.url)
				}
				var acknowledged atomic.Int64
				enough := int64(writesPerKill + random.IntN(50))
				var kill sync.Once
				var wg sync.WaitGroup
				for _, one := range readers {
					wg.Go(func() {
						for one.write(t, p.url) {
							if acknowledged.Add(1) >= enough {
								kill.Do(func() {
									if err := p.cmd.Process.Kill(); err != nil {
										t.Error(err)
									}
								})
							}
						}
					})
				}
				wg.Wait()
				kill.Do(func() { // a writer has given up: its test has failed
					p.cmd.Process.Kill()
				})
				p.cmd.Wait() // it was killed
				if t.Failed() {
					return
				}
			}
			p := launch(t, binary, env)
			total := 0
			for _, one := range readers {
				one.check(t, p.url)
				total += one.acknowledged
			}
			p.cmd.Process.Kill()
			p.cmd.Wait()
			if total < kills*writesPerKill {
				t.Errorf("%d writes were acknowledged", total)
			}
			t.Logf("%d writes were acknowledged, and are there", total)
		})
	}
}

// placeWriter is a reader, who knows where they have said that they are.
type placeWriter struct {
	*writer
	token string
	n     int
	told  map[int]*told // by book
}

// told is what a reader has said of one book since the last check.
type told struct {
	acknowledged []string // locators, in order
	version      int64    // of the last one
	open         string   // the one without an answer; "" is none
}

// written is the answer to a place, and an entry of a history.
type written struct {
	Locator string
	Version int64
}

// write tells the place in the next book. It is false if there is no answer.
func (w *placeWriter) write(t *testing.T, url string) bool {
	w.n++
	book := 1 + w.n%10
	one := w.told[book]
	if one == nil {
		one = &told{}
		w.told[book] = one
	}
	one.open = strconv.Itoa(w.n)
	body := map[string]any{"locator_type": "page", "locator": one.open, "progression": float64(w.n%1000) / 1000}
	var answer struct{ Progress written }
	code, ok := w.ask(t, "PUT", fmt.Sprint(url, "/api/me/books/", book, "/progress"), w.token, body, &answer)
	if !ok {
		return false
	}
	if code != 200 || answer.Progress.Locator != one.open || answer.Progress.Version <= one.version {
		t.Errorf("%s: book %d: %d, %+v after version %d", w.name, book, code, answer.Progress, one.version)
		return false
	}
	one.acknowledged, one.version, one.open = append(one.acknowledged, one.open), answer.Progress.Version, ""
	w.acknowledged++
	return true
}

// check asks a server that was just started for all that was acknowledged.
func (w *placeWriter) check(t *testing.T, url string) {
	t.Helper()
	if w.token == "" {
		var g pair
		if code, ok := w.ask(t, "POST", url+"/api/auth/login", "", map[string]string{"username": w.name, "password": "correct horse"}, &g); !ok || code != 200 {
			t.Fatalf("%s: login: %d", w.name, code)
		}
		w.token = g.Access
	}
	for book, one := range w.told {
		path := fmt.Sprint(url, "/api/me/books/", book, "/progress")
		var places, history struct{ Items []written }
		for of, into := range map[string]*struct{ Items []written }{path: &places, path + "/history": &history} {
			if code, ok := w.ask(t, "GET", of, w.token, nil, into); !ok || code != 200 {
				t.Fatalf("%s: %s: %d", w.name, of, code)
			}
		}
		want := slices.Clone(one.acknowledged)
		if one.open != "" && len(history.Items) > 0 && history.Items[0].Locator == one.open {
			want, one.version = append(want, one.open), one.version+1 // it was written, and the answer was lost
		}
		if len(want) == 0 {
			continue // nothing was acknowledged since the last check, and nothing was written
		}
		slices.Reverse(want)
		var got []string
		for _, past := range history.Items[:min(len(history.Items), len(want))] {
			got = append(got, past.Locator)
		}
		if !slices.Equal(got, want[:min(len(want), 50)]) {
			t.Errorf("%s: book %d: the history has %s, and acknowledged were %s", w.name, book, strings.Join(got, " "), strings.Join(want, " "))
		}
		if len(places.Items) != 1 || places.Items[0].Locator != want[0] || places.Items[0].Version != one.version {
			t.Errorf("%s: book %d is at %v, want %s of version %d", w.name, book, places.Items, want[0], one.version)
		}
		one.acknowledged, one.open = nil, ""
	}
}
