package rediscache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
)

// replica is a process with a cache, whose values are those of a database that
// it shares with others.
type replica struct {
	t      *testing.T
	cache  *cache.Cache
	users  *cache.Namespace[int64]
	store  *rediscache.Store
	asked  atomic.Int64
	source *atomic.Int64
}

func start(t *testing.T, server *redistest.Server, source *atomic.Int64) *replica {
	t.Helper()
	r := &replica{t: t, source: source, store: rediscache.New(server.Client(t), rediscache.Options{})}
	r.cache = cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Shared: r.store, Bus: r.store, Probe: 50 * time.Millisecond})
	var err error
	r.users, err = cache.NewNamespace(r.cache, cache.NamespaceOptions[int64]{Name: "user", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.cache.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	r.soon("it listens", func() bool { return r.cache.Shared().Listening })
	return r
}

func (r *replica) soon(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("it did not happen in 30 s that %s", what)
		}
	}
}

func (r *replica) user() int64 {
	r.t.Helper()
	v, err := r.users.Get(context.Background(), "42", func(context.Context) (int64, error) {
		r.asked.Add(1)
		return r.source.Load(), nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// change changes the user in the database.
func (r *replica) change() int64 {
	v := r.source.Add(1)
	r.users.Forget(context.Background(), "42")
	return v
}

func TestFlush(t *testing.T) {
	server := redistest.Start(t)
	var source atomic.Int64
	a, b := start(t, server, &source), start(t, server, &source)
	for range 20 {
		want := a.change()
		server.Exec(t, "redis-cli flushdb")
		if v := a.user(); v != want {
			t.Fatalf("the process that changed it has %d, want %d", v, want)
		}
		b.soon("the other has the change", func() bool { return b.user() == want })
		server.Exec(t, "redis-cli flushdb")
		if v := b.user(); v != want {
			t.Fatalf("after a flush: %d, want %d", v, want)
		}
	}
}

func TestRestart(t *testing.T) {
	server := redistest.Start(t)
	var source atomic.Int64
	a, b := start(t, server, &source), start(t, server, &source)
	for range 3 {
		a.user()
		b.user()
		server.Stop(t)
		a.soon("both have noticed", func() bool { return !a.cache.Shared().Listening && !b.cache.Shared().Listening })
		want := a.change()
		if v := a.user(); v != want {
			t.Fatalf("during the outage: %d, want %d", v, want)
		}
		server.Restart(t)
		a.soon("both listen again", func() bool { return a.cache.Shared().Listening && b.cache.Shared().Listening })
		if v := b.user(); v != want {
			t.Fatalf("after the outage: %d, want %d", v, want)
		}
		a.soon("the store is used again", func() bool { return !a.cache.Shared().Open && !b.cache.Shared().Open })
	}
}

// TestKilledSubscription loses messages while everything else works.
func TestKilledSubscription(t *testing.T) {
	server := redistest.Start(t)
	var source atomic.Int64
	a, b := start(t, server, &source), start(t, server, &source)
	for i := range 20 {
		b.user()
		server.Exec(t, "redis-cli client kill type pubsub")
		want := a.change()
		b.soon(fmt.Sprint("the other has change ", i), func() bool { return b.user() == want })
	}
}

// TestFrozen has the server not answer any more, on connections that are open.
func TestFrozen(t *testing.T) {
	server := redistest.Start(t)
	var source atomic.Int64
	a, b := start(t, server, &source), start(t, server, &source)
	a.user()
	b.user()
	server.Freeze(t)
	want := a.change()
	if v := a.user(); v != want {
		t.Fatalf("in the process that changed it: %d, want %d", v, want)
	}
	b.soon("nobody is heard any more", func() bool { return !b.cache.Shared().Listening })
	if v := b.user(); v != want {
		t.Fatalf("in the other process: %d, want %d", v, want)
	}
	server.Thaw(t)
	a.soon("all is well", func() bool {
		return a.cache.Shared().Listening && b.cache.Shared().Listening && !a.cache.Shared().Open && !b.cache.Shared().Open
	})
	for range 50 {
		if v := b.user(); v != want {
			t.Fatalf("after that: %d, want %d", v, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// TestRefused: what Redis says to a connection is an error of each call, also of
// several keys.
func TestRefused(t *testing.T) {
	server := redistest.Start(t)
	server.Exec(t, "redis-cli config set requirepass right")
	o, err := rediscache.ParseURL(strings.Replace(server.URL, "redis://", "redis://:wrong@", 1))
	if err != nil {
		t.Fatal(err)
	}
	o.ReadTimeout = 5 * time.Second
	client := redis.NewUniversalClient(o)
	defer client.Close()
	store := rediscache.New(client, rediscache.Options{})
	for _, keys := range [][]string{{"a"}, {"a", "b"}} {
		if kept, err := store.Get(t.Context(), keys...); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("Get(%q): %q, %v", keys, kept, err)
		}
	}
}

// TestRights: what docs/caching.md says that an account has to be allowed is enough.
func TestRights(t *testing.T) {
	server := redistest.Start(t)
	docs, err := os.ReadFile("../../docs/caching.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("`(ACL SETUSER pressmark [^`]*)`").FindSubmatch(docs)
	if line == nil {
		t.Fatal("docs/caching.md does not say what an account needs")
	}
	server.Exec(t, "redis-cli "+strings.NewReplacer("~*", "'~*'", "&*", "'&*'", ">password", "'>password'").Replace(string(line[1])))
	o, err := rediscache.ParseURL(strings.Replace(server.URL, "redis://", "redis://pressmark:password@", 1) + "/1")
	if err != nil {
		t.Fatal(err)
	}
	o.ReadTimeout = 5 * time.Second
	client := redis.NewUniversalClient(o)
	defer client.Close()
	store := rediscache.New(client, rediscache.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := map[string]error{"Set": store.Set(ctx, "a", []byte("b"), time.Minute), "Delete": store.Delete(ctx, "b", "c"), "Publish": store.Publish(ctx, []byte("x"))}
	_, errs["Get"] = store.Get(ctx, "a", "b")
	_, errs["Add"] = store.Add(ctx, "c", []byte("b"), time.Minute)
	_, errs["Replace"] = store.Replace(ctx, "c", []byte("b"), []byte("d"), time.Minute)
	if err := store.Subscribe(ctx, cancel, func([]byte) {}); !errors.Is(err, context.Canceled) {
		errs["Subscribe"] = err
	}
	for call, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}
