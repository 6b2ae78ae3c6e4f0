package cachetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

func testForgotten(t *testing.T, open Open, has Tiers) {
	t.Run("Key", func(t *testing.T) { testForget(t, open(t)) })
	t.Run("All", func(t *testing.T) { testForgetAll(t, open(t)) })
	if has.Shared != nil {
		t.Run("Evicted", func(t *testing.T) { testEvicted(t, open(t)) })
	}
	t.Run("Late", func(t *testing.T) { testLate(t, open(t)()) })
	t.Run("Races", func(t *testing.T) { testRaces(t, open(t)) })
	t.Run("Feed", func(t *testing.T) { testFeed(t, open(t)()) })
}

// two are two running processes with one namespace each.
func two[V any](t *testing.T, tiers func() Tiers, o cache.NamespaceOptions[V]) (first, second *cache.Namespace[V], both bool) {
	t.Helper()
	a := tiers()
	_, first = one(t, a, o)
	if a.Bus == nil {
		return first, nil, false
	}
	_, second = one(t, tiers(), o)
	return first, second, true
}

func testForget(t *testing.T, tiers func() Tiers) {
	n1, n2, both := two(t, tiers, cache.NamespaceOptions[int]{})
	ctx := context.Background()
	for i := range 50 {
		key := fmt.Sprint("key", i%5)
		get(t, n1, key, is(i))
		if both {
			get(t, n2, key, is(i))
		}
		n1.Forget(ctx, key, "another")
		if v := get(t, n1, key, is(i+1000)); v != i+1000 {
			t.Fatalf("%q is %d after it was forgotten", key, v)
		}
		if both {
			eventually(t, "the other process forgets it", func() bool { return get(t, n2, key, is(i+1000)) == i+1000 })
		}
		n1.Forget(ctx, key)
	}
}

// testForgetAll forgets a thousand keys at once.
func testForgetAll(t *testing.T, tiers func() Tiers) {
	n1, n2, both := two(t, tiers, cache.NamespaceOptions[int]{})
	for round := range 3 {
		for i := range 100 {
			get(t, n1, fmt.Sprint(i), is(round))
		}
		n1.ForgetAll(context.Background())
		for i := range 100 {
			if v := get(t, n1, fmt.Sprint(i), is(round+1)); v != round+1 {
				t.Fatalf("%d is %d after all was forgotten", i, v)
			}
			if both {
				eventually(t, "the other process forgets it", func() bool { return get(t, n2, fmt.Sprint(i), is(round+1)) == round+1 })
			}
		}
		n1.ForgetAll(context.Background())
	}
}

// testEvicted takes keys out of the shared store: nothing old comes back by that.
func testEvicted(t *testing.T, tiers func() Tiers) {
	a := tiers()
	ctx := context.Background()
	_, n := one(t, a, cache.NamespaceOptions[string]{})
	replaced := new(atomic.Int32)
	_, other := one(t, Tiers{Shared: watched{tiers().Shared, replaced}}, cache.NamespaceOptions[string]{}) // that knows nothing itself
	get(t, n, "key", is("old"))
	old := stored(t, a.Shared, "test:key")
	if v := get(t, other, "key", is("new")); v != "old" {
		t.Fatalf("the other process does not find the value: %q", v)
	}
	n.ForgetAll(ctx)
	forgotten := func(what string) {
		t.Helper()
		// It hears of nothing, and may still have a load that has just ended.
		eventually(t, what+": the old value is gone", func() bool { return get(t, other, "key", is("new")) == "new" })
		for range 20 {
			if v := get(t, other, "key", is("new")); v != "new" {
				t.Fatalf("%s: %q is there again", what, v)
			}
		}
	}
	forgotten("after all was forgotten")
	for _, gone := range [][]string{{"gen:test"}, {"test:key"}, {"gen:test", "test:key"}} {
		if err := a.Shared.Delete(ctx, gone...); err != nil {
			t.Fatal(err)
		}
		// As if the key had not been evicted with its generation.
		if err := a.Shared.Set(ctx, "test:key", old, time.Hour); err != nil {
			t.Fatal(err)
		}
		forgotten(fmt.Sprint("without ", gone))
	}
	// A mark that is evicted while a load goes on: what it returns is not kept
	// there, as somebody may have forgotten the key.
	n.Forget(ctx, "key")
	var before int32
	_, err := other.Get(ctx, "key", func(ctx context.Context) (string, error) {
		before = replaced.Load()
		return "old", a.Shared.Delete(ctx, "test:key")
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it was tried", func() bool { return replaced.Load() > before })
	forgotten("after a load without its mark")
}

// watched is a store that counts how often something was replaced, or was not, as
// it should be.
type watched struct {
	cache.Shared
	replaced *atomic.Int32
}

func (w watched) Replace(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	defer w.replaced.Add(1)
	return w.Shared.Replace(ctx, key, old, value, ttl)
}

// testLate has a load end after the key was forgotten.
func testLate(t *testing.T, tiers Tiers) {
	_, n := one(t, tiers, cache.NamespaceOptions[string]{})
	ctx := context.Background()
	for i, forget := range []func(string){
		func(key string) { n.Forget(ctx, key) },
		func(string) { n.ForgetAll(ctx) },
	} {
		key := fmt.Sprint("key", i)
		begun, proceed, got := make(chan struct{}), make(chan struct{}), make(chan string)
		go func() {
			got <- get(t, n, key, func(context.Context) (string, error) {
				close(begun)
				<-proceed
				return "old", nil
			})
		}()
		<-begun
		forget(key)
		if v := get(t, n, key, is("new")); v != "new" {
			t.Errorf("who came after it was forgotten got %q", v)
		}
		close(proceed)
		if v := <-got; v != "old" {
			t.Errorf("who waited got %q", v)
		}
		for range 20 {
			if v := get(t, n, key, is("new")); v != "new" {
				t.Fatalf("a load that began before was kept: %q", v)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// testRaces has two processes load what a third changes and forgets all the time.
// In the process that forgets a change is seen when Forget has returned, in the
// other soon, and in both at last and for good.
func testRaces(t *testing.T, tiers func() Tiers) {
	n1, n2, both := two(t, tiers, cache.NamespaceOptions[int64]{})
	const keys = 4
	var database, forgotten [keys]atomic.Int64
	load := func(k int) func(context.Context) (int64, error) {
		return func(context.Context) (int64, error) {
			v := database[k].Load()
			if rand.N(3) == 0 {
				time.Sleep(rand.N(3 * time.Millisecond))
			}
			return v, nil
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	reader := func(n *cache.Namespace[int64], exact bool) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				k := rand.N(keys)
				least := forgotten[k].Load()
				if v := get(t, n, fmt.Sprint(k), load(k)); exact && v < least {
					t.Errorf("key %d is %d after Forget of %d has returned", k, v, least)
					return
				}
			}
		})
	}
	for range 4 {
		reader(n1, true)
		if both {
			reader(n2, false)
		}
	}
	for i := range 400 {
		k := i % keys
		v := database[k].Add(1)
		if i%50 == 49 {
			n1.ForgetAll(context.Background())
		} else {
			n1.Forget(context.Background(), fmt.Sprint(k))
		}
		forgotten[k].Store(v)
	}
	close(stop)
	wg.Wait()
	for k := range keys {
		want := database[k].Load()
		for _, n := range []*cache.Namespace[int64]{n1, n2} {
			if n == nil {
				continue
			}
			eventually(t, "the last change is seen", func() bool { return get(t, n, fmt.Sprint(k), load(k)) == want })
			for range 50 {
				if v := get(t, n, fmt.Sprint(k), load(k)); v != want {
					t.Fatalf("key %d was %d and is %d again", k, want, v)
				}
			}
		}
	}
}

// testFeed has somebody else tell of changes.
func testFeed(t *testing.T, tiers Tiers) {
	tell := make(chan string)
	_, n := one(t, tiers, cache.NamespaceOptions[int]{
		Feed: func(ctx context.Context, listening func(), changed func(string)) error {
			listening()
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case key := <-tell:
					changed(key)
				}
			}
		},
	})
	get(t, n, "a", is(1))
	get(t, n, "b", is(1))
	tell <- "a"
	eventually(t, "one key is forgotten", func() bool { return get(t, n, "a", is(2)) == 2 })
	tell <- ""
	eventually(t, "all keys are forgotten", func() bool { return get(t, n, "b", is(2)) == 2 })
}
