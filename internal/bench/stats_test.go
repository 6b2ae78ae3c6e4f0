package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func aSample(n int, cpu time.Duration, took ...time.Duration) sample {
	return sample{slice{requests: n, bytes: int64(10 * n), elapsed: time.Second, took: took}, cpu}
}

func TestSumUp(t *testing.T) {
	got := sumUp([]sample{
		aSample(100, 100*time.Millisecond, 1, 2, 3),
		aSample(200, 100*time.Millisecond, 4, 5, 6),
		aSample(50, 500*time.Millisecond, 7, 8, 9),
	})
	want := speed{PerSecond: 100, Bytes: 1000, P50: 5, P95: 6, CPU: time.Millisecond, CPUPerByte: 1e5}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestMedianRatio(t *testing.T) {
	// The machine is ten times slower in the second pair; the ratio is not.
	a := []sample{aSample(10, 10), aSample(10, 100), aSample(10, 12)}
	b := []sample{aSample(10, 20), aSample(10, 200), aSample(10, 12)}
	if got := medianRatio(a, b, sample.cpuPerRequest); got != 0.5 {
		t.Errorf("%v, want 0.5", got)
	}
	if got := medianRatio(a, []sample{aSample(0, 0)}, sample.cpuPerRequest); got != 0 {
		t.Errorf("against nothing: %v", got)
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		b        budget
		text     string
		met, not float64
	}{
		{atLeast(0.85), "≥ 0.85", 0.85, 0.84},
		{below(300 * time.Millisecond), "< 300 ms", 0.2, 0.3},
		{below(3 * time.Second), "< 3 s", 2.9, 3.1},
		{memoryBudget(250 << 20), "< 250 MiB", 1, 250 << 20},
		{memoryBudget(2 << 30), "< 2.00 GiB", 1 << 30, 3 << 30},
	} {
		if c.b.String() != c.text || !c.b.met(c.met) || c.b.met(c.not) {
			t.Errorf("%s: %q, %v, %v", c.text, c.b, c.b.met(c.met), c.b.met(c.not))
		}
	}
	if b := timeBudget(0); !b.none() || b.String() != "-" {
		t.Errorf("no budget is %q", b)
	}
}

func TestReport(t *testing.T) {
	r := newReport(8)
	s := &speed{PerSecond: 1234, P50: time.Millisecond, P95: 2 * time.Millisecond, CPU: 50 * time.Microsecond}
	r.Rows = []figure{
		{ID: "a", Work: "some work", Books: 1000, Budget: atLeast(0.5), Value: 0.75, Unit: ratio, Verdict: passed, Ours: s, Other: s},
		{ID: "b", Work: "other work", Budget: below(time.Second), Verdict: absent, Note: "why not"},
	}
	var text, js bytes.Buffer
	if err := r.text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"8 connections", "≥ 0.50", "0.75", "pass", "1234", "50 µs", "other work: why not"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the table:\n%s", want, &text)
		}
	}
	if err := r.json(&js); err != nil {
		t.Fatal(err)
	}
	var back struct{ Rows []map[string]any }
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || len(back.Rows) != 2 || fmt.Sprint(back.Rows[0]["value"]) != "0.75" {
		t.Errorf("%v\n%s", err, &js)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-books", "1000, 20000", "-only", "lock"}, &bytes.Buffer{})
	if err != nil || !slices.Equal(o.books, []int{1000, 20000}) || !o.only.MatchString("lock") {
		t.Errorf("%+v, %v", o, err)
	}
	if l := (&lab{opts: o}); l.primary() != 20000 {
		t.Errorf("primary %d", l.primary())
	}
	for _, bad := range [][]string{{"-books", "10"}, {"-books", ""}, {"-only", "("}, {"-conns", "0"}, {"-duration", "1ms"}, {"more"}, {"-nope"}} {
		var said bytes.Buffer
		if code := run(t.Context(), bad, &said, &said); code != 2 || said.Len() == 0 {
			t.Errorf("%v: code %d, %q", bad, code, &said)
		}
	}
}

// TestRows sees that every row has a name of its own and that sizes without a
// budget have rows, too.
func TestRows(t *testing.T) {
	l := &lab{opts: options{books: []int{2000, 100_000}}}
	seen := map[string]bool{}
	for _, r := range l.rows() {
		key := fmt.Sprint(r.id, r.books)
		if seen[key] || r.work == "" || r.run == nil {
			t.Errorf("row %s of %d books", r.id, r.books)
		}
		seen[key] = true
	}
	for _, want := range []string{"page-new100000", "search100000", "facets100000", "first-index2000", "text-ready2000", "lock100000"} {
		if !seen[want] {
			t.Errorf("no row %s", want)
		}
	}
}
