package cache

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"
)

type account struct {
	Name  string
	Roles map[string][]int
	At    time.Time
}

func newTest[V any](tb testing.TB, c *Cache, o NamespaceOptions[V]) *Namespace[V] {
	tb.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	n, err := NewNamespace(c, o)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func quiet() *Cache { return New(Options{Logger: slog.New(slog.DiscardHandler)}) }

func TestShape(t *testing.T) {
	type renamed struct {
		Title string
		Roles map[string][]int
		At    time.Time
	}
	type retyped struct {
		Name  string
		Roles map[string][]string
		At    time.Time
	}
	type tagged struct {
		Name  string `json:"n"`
		Roles map[string][]int
		At    time.Time
	}
	type same struct {
		Name  string
		Roles map[string][]int
		At    time.Time
		cache int
	}
	type tree struct{ Children []*tree }
	_ = same{cache: 1}
	want := tagOf[account]("user", "1")
	if tagOf[same]("user", "1") != want || tagOf[*account]("user", "1") == want {
		t.Error("fields that JSON does not see change the shape, or pointers do not")
	}
	for name, got := range map[string]tag{
		"renamed": tagOf[renamed]("user", "1"), "retyped": tagOf[retyped]("user", "1"), "tagged": tagOf[tagged]("user", "1"),
		"namespace": tagOf[account]("users", "1"), "meaning": tagOf[account]("user", "2"), "tree": tagOf[tree]("user", "1"),
	} {
		if got == want {
			t.Errorf("%s is the same shape", name)
		}
	}
}

func TestNames(t *testing.T) {
	c := quiet()
	for _, name := range []string{"", "User", "a b", "a:b", "gen", "abcdefghijklmnopqrstuvwxyz0123456789"} {
		if _, err := NewNamespace(c, NamespaceOptions[int]{Name: name, TTL: time.Hour}); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	newTest(t, c, NamespaceOptions[int]{Name: "user"})
	if _, err := NewNamespace(c, NamespaceOptions[int]{Name: "user", TTL: time.Hour}); err == nil {
		t.Error("two namespaces have one name")
	}
	if _, err := NewNamespace(c, NamespaceOptions[int]{Name: "timeless"}); err == nil {
		t.Error("a namespace has no TTL")
	}
}

// TestSeal: what somebody else has written, or moved to another key, is not read.
func TestSeal(t *testing.T) {
	ours := newTest(t, quiet(), NamespaceOptions[account]{Seal: []byte("a key")})
	now := time.Now()
	e := &entry[account]{key: "42", value: account{Name: "ada"}, loaded: now, expires: now.Add(time.Minute)}
	b, err := ours.write(e, [16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	reads := func(n *Namespace[account], key string, b []byte) bool {
		return n.read(&entry[account]{key: key, loaded: now}, b, [16]byte{})
	}
	if !reads(ours, "42", b) {
		t.Error("our own value is not read")
	}
	if reads(ours, "43", b) {
		t.Error("a value is read under another key")
	}
	for i := range b {
		forged := bytes.Clone(b)
		forged[i]++
		if reads(ours, "42", forged) {
			t.Fatalf("a value whose byte %d was changed is read", i)
		}
	}
	for _, other := range []NamespaceOptions[account]{{Seal: []byte("another key")}, {}} {
		n := newTest(t, quiet(), other)
		forged, err := n.write(e, [16]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if reads(ours, "42", forged) {
			t.Error("a value that was sealed with another key, or not, is read")
		}
	}
}

func FuzzRead(f *testing.F) {
	n := newTest(f, quiet(), NamespaceOptions[account]{NotFound: context.Canceled})
	now := time.Now()
	for _, e := range []*entry[account]{
		{value: account{Name: "ada", Roles: map[string][]int{"x": {1}}}, loaded: now, expires: now.Add(time.Minute)},
		{absent: true, loaded: now, expires: now.Add(time.Minute)},
	} {
		b, err := n.write(e, [16]byte{1})
		if err != nil {
			f.Fatal(err)
		}
		back := entry[account]{loaded: now}
		if !n.read(&back, b, [16]byte{1}) || back.value.Name != e.value.Name || back.absent != e.absent {
			f.Fatalf("%+v is read as %+v", e, &back)
		}
		if n.read(&entry[account]{loaded: now}, b, [16]byte{2}) {
			f.Fatal("another generation is read")
		}
		if n.read(&entry[account]{loaded: now.Add(time.Hour)}, b, [16]byte{1}) {
			f.Fatal("a value whose time is over is read")
		}
		f.Add(b)
	}
	f.Add(newLease())
	f.Fuzz(func(t *testing.T, b []byte) {
		e := entry[account]{loaded: now}
		if n.read(&e, b, [16]byte{1}) {
			if isLease(b) || !bytes.Equal(b[1:9], n.tag[:]) || !now.Before(e.expires) || e.expires.After(now.Add(time.Hour)) {
				t.Errorf("%q is read as %+v", b, &e)
			}
		}
	})
}

// FuzzHear: what cannot be read as a message forgets everything, and nothing
// panics.
func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"from":"x","namespace":"test","keys":["YQ=="]}`))
	f.Add([]byte(`{"from":"x","namespace":"test"}`))
	f.Add([]byte(`{"from":"x","namespace":"other"}`))
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := quiet()
		n := newTest(t, c, NamespaceOptions[int]{})
		before := n.marks.of("a")
		c.hear(b)
		if string(b) == "garbage" && n.marks.of("a") == before {
			t.Error("nothing was forgotten")
		}
	})
}

// TestPending: what fails again while it is made up for stays.
func TestPending(t *testing.T) {
	var p pending
	p.add([]string{"a", "b"})
	keys, count := p.look()
	if len(keys) != 2 || !p.has("a") || p.has("c") {
		t.Errorf("%q", keys)
	}
	p.add([]string{"b"}) // meanwhile
	p.done(count)
	if p.has("a") || !p.has("b") {
		t.Error("what failed again is taken away")
	}
	_, count = p.look()
	if p.done(count); p.has("b") || p.some.Load() {
		t.Error("what was made up for stays")
	}
	many := make([]string, maxPending+1)
	for i := range many {
		many[i] = string(rune(i + 1))
	}
	if p.add(many); !p.has("anything") {
		t.Error("too many keys are not all")
	}
	if keys, count = p.look(); keys != nil {
		t.Errorf("%d keys rather than all", len(keys))
	}
	p.add(nil)
	if p.done(count); !p.has("x") {
		t.Error("all that failed again is taken away")
	}
}

// TestSealOfKey: what is sealed under one key is not good under another, however
// the two are cut.
func TestSealOfKey(t *testing.T) {
	n := newTest(t, quiet(), NamespaceOptions[string]{Seal: []byte("k"), Codec: text{}})
	now := time.Now()
	kept, err := n.write(&entry[string]{key: "x:test:victim", value: "A", loaded: now, expires: now.Add(time.Minute)}, [16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	body, mac := kept[:len(kept)-sealed], kept[len(kept)-sealed:]
	for _, forged := range [][]byte{kept, slices.Concat(body, []byte("test:x:"), mac), slices.Concat([]byte("x:"), body, mac)} {
		back := &entry[string]{key: "victim", loaded: now}
		if n.read(back, forged, [16]byte{}) {
			t.Errorf("under another key it is %q", back.value)
		}
	}
	back := &entry[string]{key: "x:test:victim", loaded: now}
	if !n.read(back, kept, [16]byte{}) || back.value != "A" {
		t.Errorf("under its own key it is %q", back.value)
	}
}

type text struct{}

func (text) Encode(s string) ([]byte, error) { return []byte(s), nil }

func (text) Decode(b []byte) (string, error) { return string(b), nil }

// TestNoLoadTimeout: a load without bound has not ended before it began.
func TestNoLoadTimeout(t *testing.T) {
	n := newTest(t, quiet(), NamespaceOptions[int]{LoadTimeout: -1})
	if v, err := n.Get(t.Context(), "key", func(ctx context.Context) (int, error) { return 7, ctx.Err() }); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}
