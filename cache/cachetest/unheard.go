package cachetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

// database is what a namespace keeps of, with somebody who tells of changes, if the
// test lets them.
type database struct {
	value   atomic.Int64
	down    atomic.Bool
	up      atomic.Int32  // how often it began to tell
	changes chan struct{} // closed to end it
}

var errFeed = errors.New("it does not tell, on purpose, in a test")

func newDatabase() *database { return &database{changes: make(chan struct{}, 1)} }

func (d *database) load(context.Context) (int, error) { return int(d.value.Load()), nil }

func (d *database) feed(ctx context.Context, listening func(), _ func(string)) error {
	if d.down.Load() {
		return errFeed
	}
	listening()
	d.up.Add(1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.changes:
		return errFeed
	}
}

func testUnheard(t *testing.T, open Open, has Tiers) {
	if has.Local != nil {
		t.Run("Local", func(t *testing.T) { testUnheardLocal(t, open(t)()) })
		t.Run("Slow", func(t *testing.T) { testSlow(t, open(t)()) })
	}
	t.Run("Shared", func(t *testing.T) { testUnheardShared(t, open(t)()) })
	t.Run("Feed", func(t *testing.T) { testUnheardFeed(t, open(t)()) })
	t.Run("Gap", func(t *testing.T) { testGap(t, open(t)()) })
}

// testUnheardLocal has nobody tell of changes.
func testUnheardLocal(t *testing.T, tiers Tiers) {
	down := errors.New("down")
	// Run does not run: nobody listens.
	c := process(t, Tiers{Local: tiers.Local})
	n := namespace(t, c, cache.NamespaceOptions[int]{Unheard: 50 * time.Millisecond})
	get(t, n, "key", is(1))
	eventually(t, "it is asked for again", func() bool { return get(t, n, "key", is(2)) == 2 })
	// While that fails it is used as it was. When that time has passed for what was
	// loaded after it, so it has for itself.
	get(t, n, "after", is(1))
	eventually(t, "what came after it is asked for again", func() bool { return get(t, n, "after", is(2)) == 2 })
	asked := 0
	for range 5 {
		v, err := n.Get(context.Background(), "key", func(context.Context) (int, error) {
			asked++
			return 0, down
		})
		if v != 2 || err != nil {
			t.Errorf("while it cannot be asked for: %d, %v", v, err)
		}
	}
	if asked != 1 {
		t.Errorf("it was asked for %d times in a moment", asked)
	}
	// But not when it was forgotten.
	n.Forget(context.Background(), "key")
	if v, err := n.Get(context.Background(), "key", func(context.Context) (int, error) { return 0, down }); !errors.Is(err, down) {
		t.Errorf("after it was forgotten: %d, %v", v, err)
	}
	forever := namespace(t, c, cache.NamespaceOptions[int]{Name: "forever", Unheard: -1})
	get(t, forever, "key", is(1))
	get(t, n, "last", is(1))
	eventually(t, "what came after it is asked for again", func() bool { return get(t, n, "last", is(2)) == 2 })
	if v := get(t, forever, "key", is(2)); v != 1 {
		t.Errorf("what is trusted for ever was asked for again: %d", v)
	}
}

// testSlow asks again for what takes long: it is not given up.
func testSlow(t *testing.T, tiers Tiers) {
	n := namespace(t, process(t, Tiers{Local: tiers.Local}), cache.NamespaceOptions[int]{Unheard: time.Nanosecond})
	get(t, n, "key", is(1))
	proceed, canceled := make(chan struct{}), make(chan error, 1)
	if v := get(t, n, "key", func(ctx context.Context) (int, error) {
		select {
		case <-proceed:
			return 2, nil
		case <-ctx.Done():
			canceled <- ctx.Err()
			return 0, ctx.Err()
		}
	}); v != 1 {
		t.Errorf("while it is asked for: %d", v)
	}
	select {
	case err := <-canceled:
		t.Errorf("nobody waited for it to the end: %v", err)
	default:
	}
	close(proceed)
	eventually(t, "what it returns is used", func() bool { return get(t, n, "key", is(3)) != 1 })
}

// testUnheardShared has nobody tell of changes, and the old value in the shared
// store.
func testUnheardShared(t *testing.T, tiers Tiers) {
	d := newDatabase()
	_, n := one(t, Tiers{Local: tiers.Local, Shared: tiers.Shared}, cache.NamespaceOptions[int]{Unheard: 50 * time.Millisecond})
	get(t, n, "key", d.load)
	d.value.Store(1)
	eventually(t, "a change of which nobody tells is seen", func() bool { return get(t, n, "key", d.load) == 1 })
}

// testUnheardFeed has the database not tell. That other processes would is not
// enough.
func testUnheardFeed(t *testing.T, tiers Tiers) {
	d := newDatabase()
	d.down.Store(true)
	_, n := one(t, tiers, cache.NamespaceOptions[int]{Unheard: 50 * time.Millisecond, Feed: d.feed})
	get(t, n, "key", d.load)
	d.value.Store(1)
	eventually(t, "a change of which nobody tells is seen", func() bool { return get(t, n, "key", d.load) == 1 })
}

// testGap has somebody without a cache change something while nobody is told.
func testGap(t *testing.T, tiers Tiers) {
	d := newDatabase()
	_, n := one(t, tiers, cache.NamespaceOptions[int]{Feed: d.feed})
	eventually(t, "it is told", func() bool { return d.up.Load() == 1 })
	get(t, n, "key", d.load)
	if tiers.Shared != nil {
		eventually(t, "the value is in the shared store, or its room was taken", func() bool {
			kept, err := tiers.Shared.Get(context.Background(), "test:key")
			get(t, n, "key", d.load)
			return err == nil && len(kept[0]) > 20
		})
	}
	d.down.Store(true)
	d.changes <- struct{}{}
	d.value.Store(1)
	d.down.Store(false)
	eventually(t, "it is told again", func() bool { return d.up.Load() == 2 })
	eventually(t, "what was changed meanwhile is seen", func() bool { return get(t, n, "key", d.load) == 1 })
}

// mad is a codec that panics.
type mad struct{ decodes bool }

func (m mad) Encode(v int) ([]byte, error) {
	if !m.decodes {
		panic("encode, on purpose, in a test")
	}
	return fmt.Append(nil, v), nil
}

func (mad) Decode([]byte) (int, error) { panic("decode, on purpose, in a test") }

// testMad has codecs, and a hook, that do what they should not.
func testMad(t *testing.T, tiers Tiers) {
	for _, decodes := range []bool{false, true} {
		_, n := one(t, Tiers{Shared: tiers.Shared}, cache.NamespaceOptions[int]{Name: fmt.Sprint("decodes-", decodes), Codec: mad{decodes}})
		get(t, n, "key", is(1))
		eventually(t, "what cannot be read is loaded again", func() bool { return get(t, n, "key", is(2)) == 2 })
	}
}

// testHook has the hook ask for what it is told of.
func testHook(t *testing.T, tiers Tiers) {
	var n *cache.Namespace[int]
	var joined atomic.Int32
	c := process(t, tiers, func(o *cache.Options) {
		o.OnEvent = func(e cache.Event) {
			if e.Kind == cache.Joined && joined.Add(1) == 1 {
				n.Forget(context.Background(), "key")
			}
		}
	})
	n = namespace(t, c, cache.NamespaceOptions[int]{})
	run(t, c, tiers)
	begun, proceed := make(chan struct{}), make(chan struct{})
	done := make(chan int)
	go func() {
		done <- get(t, n, "key", func(context.Context) (int, error) {
			close(begun)
			<-proceed
			return 1, nil
		})
	}()
	<-begun
	go func() { done <- get(t, n, "key", is(2)) }()
	eventually(t, "the second waits", func() bool { return joined.Load() == 1 })
	close(proceed)
	for range 2 {
		select {
		case <-done:
		case <-time.After(soon):
			t.Fatal("the hook waits for who has called it")
		}
	}
}

// testTold has the shared store of all fail, while others can be told: they are.
func testTold(t *testing.T, tiers func() Tiers) {
	a, b := tiers(), tiers()
	var ill atomic.Int32
	a.Shared, b.Shared = sick{a.Shared, &ill}, sick{b.Shared, &ill}
	_, n1 := one(t, a, cache.NamespaceOptions[int]{})
	_, n2 := one(t, b, cache.NamespaceOptions[int]{})
	get(t, n1, "key", is(1))
	eventually(t, "the other process has it", func() bool { return get(t, n2, "key", is(1)) == 1 })
	ill.Store(refuses)
	n1.Forget(context.Background(), "key")
	eventually(t, "the other process is told", func() bool { return get(t, n2, "key", is(2)) == 2 })
}
