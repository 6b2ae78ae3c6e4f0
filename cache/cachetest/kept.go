package cachetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

func testKept(t *testing.T, open Open, has Tiers) {
	if has.Local != nil || has.Shared != nil {
		t.Run("Times", func(t *testing.T) { testTimes(t, open(t)()) })
	}
	if has.Shared != nil {
		t.Run("Shared", func(t *testing.T) { testSharing(t, open(t)) })
		t.Run("Unreadable", func(t *testing.T) { testUnreadable(t, open(t)) })
	}
	if has.Local != nil {
		t.Run("Dropped", func(t *testing.T) { testDropped(t, open(t)()) })
	}
	t.Run("Nothing", func(t *testing.T) { testNothing(t, open(t)()) })
	t.Run("Large", func(t *testing.T) { testLarge(t, open(t)()) })
}

func testTimes(t *testing.T, tiers Tiers) {
	c := process(t, tiers)
	short := namespace(t, c, cache.NamespaceOptions[int]{Name: "short", TTL: 200 * time.Millisecond})
	stale := namespace(t, c, cache.NamespaceOptions[int]{Name: "stale", TTL: 100 * time.Millisecond, Stale: time.Hour, Unchanging: true})
	run(t, c, tiers)
	get(t, stale, "key", is(1))
	begun := time.Now()
	get(t, short, "key", is(1))
	eventually(t, "a value ends", func() bool { return get(t, short, "key", is(2)) == 2 })
	if took := time.Since(begun); took < 175*time.Millisecond {
		t.Errorf("a value of 200 ms, less a tenth, ended after %v", took)
	}
	if tiers.Local != nil {
		// The other, which is older, has ended, too.
		proceed := make(chan struct{})
		next := func(context.Context) (int, error) {
			<-proceed
			return 2, nil
		}
		for range 3 {
			if v := get(t, stale, "key", next); v != 1 {
				t.Errorf("a value that has ended is %d, and was to be 1 while the next is loaded", v)
			}
		}
		close(proceed)
		eventually(t, "the next value is there", func() bool { return get(t, stale, "key", next) == 2 })
	}
}

// testNothing has a namespace that keeps nothing.
func testNothing(t *testing.T, tiers Tiers) {
	_, n := one(t, tiers, cache.NamespaceOptions[int]{TTL: -1})
	for i := range 1000 {
		if v := get(t, n, "key", is(i)); v != i {
			t.Fatalf("%d was kept", v)
		}
	}
}

// testSharing has a second process find what the first has loaded.
func testSharing(t *testing.T, tiers func() Tiers) {
	a, b := tiers(), tiers()
	c1, c2 := process(t, a), process(t, b)
	type value struct {
		Name  string
		Times []time.Time
	}
	o := cache.NamespaceOptions[value]{NotFound: errNone}
	n1, n2 := namespace(t, c1, o), namespace(t, c2, o)
	un1 := namespace(t, c1, cache.NamespaceOptions[[]byte]{Name: "pages", Unchanging: true, Codec: plain{}})
	un2 := namespace(t, c2, cache.NamespaceOptions[[]byte]{Name: "pages", Unchanging: true, Codec: plain{}})
	run(t, c1, a)
	run(t, c2, b)
	want := value{"Ada", []time.Time{time.Unix(1, 2).UTC()}}
	own := value{Name: "own"}
	get(t, n1, "key", is(want))
	stored(t, a.Shared, "test:key")
	if v := get(t, n2, "key", is(own)); v.Name != "Ada" || !v.Times[0].Equal(want.Times[0]) {
		t.Errorf("the second process has %+v", v)
	}
	get(t, un1, "page", is([]byte("bytes")))
	stored(t, a.Shared, "pages:page")
	if v := get(t, un2, "page", is([]byte("own"))); string(v) != "bytes" {
		t.Errorf("the second process has the page %q", v)
	}
	// That there is no value is shared, too.
	if _, err := n1.Get(context.Background(), "none", func(context.Context) (v value, err error) { return v, errNone }); !errors.Is(err, errNone) {
		t.Error(err)
	}
	stored(t, a.Shared, "test:none")
	if v, err := n2.Get(context.Background(), "none", is(own)); !errors.Is(err, errNone) {
		t.Errorf("the second process has %+v, %v", v, err)
	}
	for _, s := range c2.Stats() {
		if s.SharedHits == 0 {
			t.Errorf("no hit was counted: %+v", s)
		}
	}
}

// testUnreadable has things in the shared store that are not ours, or of another
// version of the program.
func testUnreadable(t *testing.T, tiers func() Tiers) {
	a, b := tiers(), tiers()
	ctx := context.Background()
	type old struct{ ID, Role string }
	type renamed struct {
		ID   string
		Role int // what was text
	}
	// Without tiers of their own, in which they would find their own values.
	a, b = Tiers{Shared: a.Shared}, Tiers{Shared: b.Shared}
	c1, c2, c3 := process(t, a), process(t, b), process(t, b)
	o := cache.NamespaceOptions[old]{Name: "user"}
	n1 := namespace(t, c1, o)
	n2 := namespace(t, c2, cache.NamespaceOptions[renamed]{Name: "user"})
	o.Shape = "roles mean something else"
	n3 := namespace(t, c3, o)
	run(t, c1, a)
	run(t, c2, b)
	run(t, c3, b)
	for range 3 { // each overwrites what the others have left
		n1.Forget(ctx, "42")
		if v := get(t, n1, "42", is(old{"42", "admin"})); v.Role != "admin" {
			t.Errorf("got %+v", v)
		}
		if v := get(t, n2, "42", is(renamed{"42", 7})); v.Role != 7 {
			t.Errorf("another shape got %+v", v)
		}
		if v := get(t, n3, "42", is(old{"42", "reader"})); v.Role != "reader" {
			t.Errorf("another meaning got %+v", v)
		}
	}
	for i, garbage := range []string{"", "x", "V", "L", strings.Repeat("V", 100), strings.Repeat("\x00", 50), "{}"} {
		key := fmt.Sprint("garbage", i)
		if err := a.Shared.Set(ctx, "user:"+key, []byte(garbage), time.Hour); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if v := get(t, n1, key, is(old{ID: key})); v.ID != key {
				t.Errorf("%q is read as %+v", garbage, v)
			}
		}
	}
	// A generation that is none is replaced.
	if err := a.Shared.Set(ctx, "gen:user", []byte("not 16 bytes"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if v := get(t, n1, "other", is(old{ID: "other"})); v.ID != "other" {
		t.Errorf("got %+v", v)
	}
	// What was cut off in the middle.
	n1.Forget(ctx, "other")
	get(t, n1, "other", is(old{ID: "other"}))
	whole := stored(t, a.Shared, "user:other")
	for cut := range len(whole) + 1 {
		key, want := fmt.Sprint("cut", cut), "loaded"
		if cut == len(whole) {
			want = "other"
		}
		if err := a.Shared.Set(ctx, "user:"+key, whole[:cut], time.Hour); err != nil {
			t.Fatal(err)
		}
		if v := get(t, n1, key, is(old{ID: "loaded"})); v.ID != want {
			t.Fatalf("%d of %d bytes are read as %+v", cut, len(whole), v)
		}
	}
}

// lossy is a tier that drops what it is given, or at random.
type lossy struct {
	cache.Local
	all bool
}

func (l lossy) Set(namespace, key string, value any, cost int64, ttl time.Duration) {
	if !l.all && rand.N(2) == 0 {
		l.Local.Set(namespace, key, value, cost, ttl)
	}
}

func testDropped(t *testing.T, tiers Tiers) {
	for _, all := range []bool{true, false} {
		dropping := Tiers{Local: lossy{tiers.Local, all}}
		_, n := one(t, dropping, cache.NamespaceOptions[int]{Name: fmt.Sprint("all-", all)})
		for i := range 200 {
			key := fmt.Sprint(i % 20)
			if v := get(t, n, key, is(i)); v%20 != i%20 || v > i {
				t.Errorf("Get(%q): %d", key, v)
			}
			if i%3 == 0 {
				n.Forget(context.Background(), key)
				if v := get(t, n, key, is(i)); v != i {
					t.Errorf("Get(%q) after Forget: %d", key, v)
				}
			}
		}
	}
}

// testLarge keeps values of 1 MiB.
func testLarge(t *testing.T, tiers Tiers) {
	c := process(t, tiers)
	n := namespace(t, c, cache.NamespaceOptions[[]byte]{Codec: plain{}, Cost: func(b []byte) int64 { return int64(len(b)) }})
	run(t, c, tiers)
	for i := range 64 {
		want := strings.Repeat(fmt.Sprint(i%10), 1<<20)
		for range 2 {
			if got := get(t, n, fmt.Sprint(i), is([]byte(want))); string(got) != want {
				t.Fatalf("value %d is another one", i)
			}
		}
	}
	if u, ok := c.Usage(); ok && u.Bytes > u.Max {
		t.Errorf("%d bytes are kept of at most %d", u.Bytes, u.Max)
	}
}
