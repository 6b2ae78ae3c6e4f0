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

func testLoads(t *testing.T, open Open) {
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, open(t)()) })
	for _, inline := range []bool{false, true} {
		t.Run(fmt.Sprint("inline=", inline), func(t *testing.T) {
			t.Run("Stampede", func(t *testing.T) { testStampede(t, open(t)(), inline) })
			t.Run("Panic", func(t *testing.T) { testPanic(t, open(t)(), inline) })
			t.Run("Errors", func(t *testing.T) { testErrors(t, open(t)(), inline) })
			t.Run("GivenUp", func(t *testing.T) { testGivenUp(t, open(t)(), inline) })
		})
	}
}

// testStampede has a thousand callers ask at once, some while the value is loaded
// and some when it was.
func testStampede(t *testing.T, tiers Tiers, inline bool) {
	_, n := one(t, tiers, cache.NamespaceOptions[string]{Inline: inline})
	keeps := tiers.Local != nil || tiers.Shared != nil
	for round := range 5 {
		key := fmt.Sprint("key", round)
		var loads atomic.Int32
		begun, proceed := make(chan struct{}), make(chan struct{})
		load := func(context.Context) (string, error) {
			if loads.Add(1) == 1 {
				close(begun)
			}
			<-proceed
			return "value", nil
		}
		var wg, late sync.WaitGroup
		ask := func() {
			if v := get(t, n, key, load); v != "value" {
				t.Errorf("got %q", v)
			}
		}
		for range 500 {
			wg.Go(ask)
		}
		<-begun
		late.Add(500)
		for range 500 {
			go func() {
				defer late.Done()
				runtime.Gosched()
				ask()
			}()
		}
		close(proceed)
		wg.Wait()
		late.Wait()
		if got := loads.Load(); got != 1 && keeps {
			t.Errorf("%d loads for 1,000 callers", got)
		}
	}
}

// testCancelled has callers give up.
func testCancelled(t *testing.T, tiers Tiers) {
	c, n := one(t, tiers, cache.NamespaceOptions[string]{})
	begun, proceed := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context) (string, error) {
		close(begun)
		select {
		case <-proceed:
			return "value", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	first, cancel := context.WithCancel(context.Background())
	firstErr, second := make(chan error), make(chan string)
	go func() {
		_, err := n.Get(first, "key", load)
		firstErr <- err
	}()
	<-begun
	go func() {
		v, err := n.Get(context.Background(), "key", load)
		second <- fmt.Sprint(v, err)
	}()
	eventually(t, "the second waits", func() bool { return c.Stats()[0].Joins == 1 })
	cancel()
	if err := <-firstErr; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(proceed)
	if got := <-second; got != "value<nil>" {
		t.Errorf("who waited got %s", got)
	}
}

// testGivenUp has all callers give up: the work ends, and who comes then begins
// anew.
func testGivenUp(t *testing.T, tiers Tiers, inline bool) {
	_, n := one(t, tiers, cache.NamespaceOptions[string]{Inline: inline})
	ctx, cancel := context.WithCancel(context.Background())
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		<-begun
		cancel()
	}()
	_, err := n.Get(ctx, "key", func(ctx context.Context) (string, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return "", ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up alone got %v", err)
	}
	if v := get(t, n, "key", is("new")); v != "new" {
		t.Errorf("who came then got %q", v)
	}
	select {
	case <-ended:
	case <-time.After(soon):
		t.Error("the work for nobody goes on")
	}
	// Who has run out of time is told so.
	late, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	_, err = n.Get(late, "late", func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who ran out of time got %v", err)
	}
}

func testPanic(t *testing.T, tiers Tiers, inline bool) {
	_, n := one(t, tiers, cache.NamespaceOptions[string]{Inline: inline})
	for name, bad := range map[string]func(){
		"panic":  func() { panic("on purpose, in a test") },
		"goexit": runtime.Goexit,
	} {
		if inline && name == "goexit" {
			continue // it ends its caller
		}
		begun, proceed := make(chan struct{}), make(chan struct{})
		var once sync.Once
		load := func(context.Context) (string, error) {
			once.Do(func() { close(begun) })
			<-proceed
			bad()
			return "", nil
		}
		errs := make(chan error)
		for range 2 {
			go func() {
				_, err := n.Get(context.Background(), name, load)
				errs <- err
			}()
			<-begun
		}
		close(proceed)
		for range 2 {
			err := <-errs
			var p *cache.PanicError
			if err == nil || errors.As(err, &p) != (name == "panic") {
				t.Errorf("%s: a waiter got %v", name, err)
			}
		}
		if v := get(t, n, name, is("value")); v != "value" {
			t.Errorf("%s: the key is not free: %q", name, v)
		}
	}
}

var errNone = errors.New("none")

func testErrors(t *testing.T, tiers Tiers, inline bool) {
	_, n := one(t, tiers, cache.NamespaceOptions[string]{Inline: inline, NotFound: errNone, NegativeTTL: time.Hour})
	bad := errors.New("bad")
	loads := 0
	for range 3 {
		_, err := n.Get(context.Background(), "key", func(context.Context) (string, error) {
			loads++
			return "", bad
		})
		if !errors.Is(err, bad) {
			t.Errorf("got %v", err)
		}
	}
	if loads != 3 {
		t.Errorf("an error was kept: %d loads", loads)
	}
	if v := get(t, n, "key", is("value")); v != "value" {
		t.Errorf("got %q", v)
	}
	loads = 0
	for range 3 {
		_, err := n.Get(context.Background(), "absent", func(context.Context) (string, error) {
			loads++
			return "", fmt.Errorf("wrapped: %w", errNone)
		})
		if !errors.Is(err, errNone) {
			t.Errorf("got %v", err)
		}
	}
	if loads != 1 && (tiers.Local != nil || tiers.Shared != nil) {
		t.Errorf("%d loads of what is not there", loads)
	}
	n.Forget(context.Background(), "absent")
	if v := get(t, n, "absent", is("there")); v != "there" {
		t.Errorf("after it was made: %q", v)
	}
}
