package cachetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

func testLocal(t *testing.T, open Open) {
	l := open(t)().Local
	if v, ok := l.Get("ns", "none"); ok {
		t.Errorf("Get of nothing: %v", v)
	}
	l.Set("ns", "a", 1, 100, time.Hour)
	l.Set("ns", "b", 2, 100, time.Hour)
	l.Wait()
	for key, want := range map[string]int{"a": 1, "b": 2} {
		if v, ok := l.Get("ns", key); !ok || v != want {
			t.Errorf("Get(%q) when Wait has returned: %v, %v; nothing had to make room for it", key, v, ok)
		}
	}
	l.Set("other", "a", 9, 100, time.Hour)
	l.Set("nsa", "", 9, 100, time.Hour)
	l.Wait()
	if v, ok := l.Get("ns", "a"); !ok || v != 1 {
		t.Errorf("another namespace has changed a key: %v, %v", v, ok)
	}
	l.Set("ns", "a", 3, 100, time.Hour)
	l.Wait()
	if v, ok := l.Get("ns", "a"); ok && v != 3 {
		t.Errorf("Get after a second Set: %v", v)
	}
	l.Delete("ns", "a")
	l.Delete("ns", "none")
	eventually(t, "what is deleted is gone", func() bool {
		_, ok := l.Get("ns", "a")
		return !ok
	})
	l.Set("ns", "short", 4, 100, 50*time.Millisecond)
	eventually(t, "the time of a value ends", func() bool {
		_, ok := l.Get("ns", "short")
		return !ok
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				key := fmt.Sprint(i % 50)
				l.Set("ns", key, key, 100, time.Hour)
				if i%5 == 0 {
					l.Wait()
				}
				if v, ok := l.Get("ns", key); ok && v != key {
					t.Errorf("%d: Get(%q): %v", g, key, v)
				}
				if i%7 == 0 {
					l.Delete("ns", key)
				}
			}
		})
	}
	wg.Wait()
}

func testShared(t *testing.T, open Open) {
	tiers := open(t)
	first, second := tiers().Shared, tiers().Shared
	ctx := context.Background()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept := func(key string, want []byte) {
		t.Helper()
		got, err := second.Get(ctx, "nothing is here", key)
		ok(err)
		if len(got) != 2 || got[0] != nil || !bytes.Equal(got[1], want) || (got[1] == nil) != (want == nil) {
			t.Fatalf("under %q: %.60q, want %.60q", key, got, want)
		}
	}
	kept("a", nil)
	ok(first.Set(ctx, "a", []byte("one"), time.Hour))
	kept("a", []byte("one"))
	ok(first.Set(ctx, "a", []byte("two"), 0))
	kept("a", []byte("two"))

	was, err := first.Add(ctx, "a", []byte("three"), time.Hour)
	ok(err)
	if string(was) != "two" {
		t.Errorf("Add over a value keeps %q", was)
	}
	was, err = first.Add(ctx, "b", []byte("four"), time.Hour)
	ok(err)
	if string(was) != "four" {
		t.Errorf("Add of a value keeps %q", was)
	}

	replace := func(key, old, value string, want bool) {
		t.Helper()
		done, err := first.Replace(ctx, key, []byte(old), []byte(value), time.Hour)
		ok(err)
		if done != want {
			t.Errorf("Replace of %q by %q: %v", old, value, done)
		}
	}
	replace("b", "five", "six", false)
	replace("none", "", "six", false)
	replace("b", "four", "seven", true)
	kept("b", []byte("seven"))
	kept("none", nil)

	ok(first.Delete(ctx, "a", "b", "none"))
	ok(first.Delete(ctx))
	kept("a", nil)
	kept("b", nil)

	large := make([]byte, 1<<20)
	rand.Read(large)
	for name, value := range map[string][]byte{"random": large, "even": bytes.Repeat([]byte("page of books "), 80_000), "binary": {0, 255, '\r', '\n'}} {
		ok(first.Set(ctx, name, value, time.Hour))
		kept(name, value)
		done, err := first.Replace(ctx, name, value, value[1:], time.Hour)
		ok(err)
		if !done {
			t.Errorf("Replace of a %s value of %d bytes did not find it", name, len(value))
		}
		kept(name, value[1:])
	}
	for _, key := range []string{"with space", "with\nline", "ключ", "{brace}", "\xff"} {
		ok(first.Set(ctx, key, []byte(key), time.Hour))
		kept(key, []byte(key))
	}

	ok(first.Set(ctx, "short", []byte("x"), 50*time.Millisecond))
	_, err = first.Add(ctx, "brief", []byte("x"), 50*time.Millisecond)
	ok(err)
	ok(first.Set(ctx, "swift", []byte("x"), time.Hour))
	_, err = first.Replace(ctx, "swift", []byte("x"), []byte("y"), 50*time.Millisecond)
	ok(err)
	eventually(t, "the times of values end", func() bool {
		got, err := second.Get(ctx, "short", "brief", "swift")
		ok(err)
		return got[0] == nil && got[1] == nil && got[2] == nil
	})

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := first.Get(ended, "a"); err == nil {
		t.Error("Get with a context that has ended succeeds")
	}
	testTogether(t, first, second)
}

// testTogether has many add and replace at the same time: one of them wins.
func testTogether(t *testing.T, first, second cache.Shared) {
	ctx := context.Background()
	for round := range 20 {
		key := fmt.Sprint("race", round)
		var mu sync.Mutex
		var added, replaced int
		var wg sync.WaitGroup
		for i := range 8 {
			s := first
			if i%2 == 0 {
				s = second
			}
			wg.Go(func() {
				mine := fmt.Append(nil, "mine ", i)
				kept, err := s.Add(ctx, key, mine, time.Hour)
				if err != nil {
					t.Error(err)
				}
				done, err := s.Replace(ctx, key, kept, fmt.Append(nil, "next ", i), time.Hour)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if bytes.Equal(kept, mine) {
					added++
				}
				if done && bytes.HasPrefix(kept, []byte("mine")) {
					replaced++
				}
			})
		}
		wg.Wait()
		if added != 1 || replaced != 1 {
			t.Errorf("%d have added, and %d have replaced what was added", added, replaced)
		}
	}
}

func testBus(t *testing.T, open Open) {
	tiers := open(t)
	first, second := tiers().Bus, tiers().Bus
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var mu sync.Mutex
	var heard []string
	listening, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- second.Subscribe(ctx, func() { close(listening) }, func(m []byte) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, string(m))
		})
	}()
	select {
	case <-listening:
	case err := <-ended:
		t.Fatalf("Subscribe: %v", err)
	case <-time.After(soon):
		t.Fatal("Subscribe does not listen")
	}
	want := []string{"one", "two\x00\xff", string(bytes.Repeat([]byte("x"), 100_000))}
	for i, m := range want {
		from := first
		if i == 1 {
			from = second // its own messages, too
		}
		if err := from.Publish(context.Background(), []byte(m)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a message arrives", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(heard) == i+1
		})
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %.40q", heard)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(soon):
		t.Error("Subscribe goes on after its context has ended")
	}
}
