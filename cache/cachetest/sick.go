package cachetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

func testSick(t *testing.T, open Open, has Tiers) {
	if has.Shared != nil {
		t.Run("Refused", func(t *testing.T) { testOutage(t, open(t), refuses) })
		t.Run("Frozen", func(t *testing.T) { testOutage(t, open(t), freezes) })
	}
	if has.Shared != nil {
		t.Run("Codec", func(t *testing.T) { testMad(t, open(t)()) })
	}
	if has.Shared != nil && has.Bus != nil {
		t.Run("Told", func(t *testing.T) { testTold(t, open(t)) })
	}
	t.Run("Hook", func(t *testing.T) { testHook(t, open(t)()) })
}

// What is wrong with a store.
const (
	well int32 = iota
	refuses
	freezes
)

// sick is a store that can be made to fail.
type sick struct {
	cache.Shared
	how *atomic.Int32
}

var errSick = errors.New("sick on purpose, in a test")

func (s sick) fail(ctx context.Context) error {
	switch s.how.Load() {
	case refuses:
		return errSick
	case freezes:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s sick) Get(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := s.fail(ctx); err != nil {
		return nil, err
	}
	return s.Shared.Get(ctx, keys...)
}

func (s sick) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.fail(ctx); err != nil {
		return err
	}
	return s.Shared.Set(ctx, key, value, ttl)
}

func (s sick) Add(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if err := s.fail(ctx); err != nil {
		return nil, err
	}
	return s.Shared.Add(ctx, key, value, ttl)
}

func (s sick) Replace(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if err := s.fail(ctx); err != nil {
		return false, err
	}
	return s.Shared.Replace(ctx, key, old, value, ttl)
}

func (s sick) Delete(ctx context.Context, keys ...string) error {
	if err := s.fail(ctx); err != nil {
		return err
	}
	return s.Shared.Delete(ctx, keys...)
}

// testOutage makes the shared store of one process fail, and has it forget
// something meanwhile.
func testOutage(t *testing.T, tiers func() Tiers, how int32) {
	a, b := tiers(), tiers()
	var ill atomic.Int32
	a.Shared = sick{a.Shared, &ill}
	quick := func(o *cache.Options) {
		o.SharedTimeout = 500 * time.Millisecond // a machine that has much to do is not a sick store
		o.Probe = 20 * time.Millisecond
		o.Failures = 3
	}
	c1, c2 := process(t, a, quick), process(t, b)
	n1, n2 := namespace(t, c1, cache.NamespaceOptions[string]{}), namespace(t, c2, cache.NamespaceOptions[string]{})
	run(t, c1, a)
	run(t, c2, b)
	_, other := one(t, Tiers{Shared: b.Shared}, cache.NamespaceOptions[string]{}) // that knows nothing itself
	for i := range 20 {
		get(t, n1, fmt.Sprint(i), is("old"))
	}
	for i := range 20 {
		stored(t, b.Shared, fmt.Sprint("test:", i))
		get(t, n2, fmt.Sprint(i), is("old"))
	}
	if c2.Stats()[0].SharedHits != 20 {
		t.Errorf("the other process has not found the values: %+v", c2.Stats())
	}
	ill.Store(how)
	before := runtime.NumGoroutine()
	// Nobody gets an error, and nobody waits for more than a few calls.
	var wg sync.WaitGroup
	var longest atomic.Int64
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				began := time.Now()
				get(t, n1, fmt.Sprint("new", g, i), is("loaded"))
				took := int64(time.Since(began))
				for was := longest.Load(); took > was && !longest.CompareAndSwap(was, took); was = longest.Load() {
				}
			}
		})
	}
	wg.Wait()
	if !c1.Shared().Open {
		t.Error("the store is still used")
	}
	if longest := time.Duration(longest.Load()); longest > 5*time.Second {
		t.Errorf("somebody waited %v", longest)
	}
	n1.Forget(context.Background(), "1", "2")
	n1.ForgetAll(context.Background())
	n1.Forget(context.Background(), "3")
	if v := get(t, n1, "1", is("new")); v != "new" {
		t.Errorf("what was forgotten during the outage is %q in this process", v)
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+2 })
	ill.Store(well)
	eventually(t, "the store is used again", func() bool { return !c1.Shared().Open })
	eventually(t, "what was forgotten is gone from the store", func() bool {
		return get(t, other, "2", is("new")) == "new"
	})
	if v := get(t, n1, "1", is("newer")); v == "old" {
		t.Error("what was forgotten during the outage came back after it in this process")
	}
	if b.Bus != nil {
		for i := 1; i <= 5; i++ {
			eventually(t, "the other process has forgotten it", func() bool { return get(t, n2, fmt.Sprint(i), is("new")) != "old" })
		}
	}
	s := c1.Shared()
	if s.Failures == 0 || s.Opened == 0 || s.Err == nil {
		t.Errorf("nothing was counted: %+v", s)
	}
}
