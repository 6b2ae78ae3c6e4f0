package watch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/watchtest"
)

// exact polls so often that the suite is quick, and without the second call
// that would hide a change that was not seen.
var exact = watch.PollOptions{Interval: 2 * time.Millisecond, Granularity: -1}

func TestPoll(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return watch.NewPoll(files, exact)
	}, watchtest.Quirks{})
}

// at is what a started watcher reports: the time of each call, counted from the
// beginning.
type at struct {
	calls  []time.Duration
	cancel context.CancelFunc
	ended  chan error
}

// begin starts w inside a synctest bubble. work is how long each call takes.
func begin(t *testing.T, w watch.Watcher, work time.Duration) *at {
	ctx, cancel := context.WithCancel(t.Context())
	a := &at{cancel: cancel, ended: make(chan error, 1)}
	start := time.Now()
	go func() {
		a.ended <- w.Watch(ctx, func() {
			a.calls = append(a.calls, time.Since(start))
			time.Sleep(work)
		})
	}()
	synctest.Wait()
	return a
}

// end stops the watcher and compares its calls with what was expected.
func (a *at) end(t *testing.T, want ...time.Duration) {
	t.Helper()
	synctest.Wait()
	a.cancel()
	if err := <-a.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch returns %v, want context.Canceled", err)
	}
	if len(a.calls) != len(want) {
		t.Fatalf("calls at %v, want %v", a.calls, want)
	}
	for i := range want {
		if a.calls[i] != want[i] {
			t.Fatalf("calls at %v, want %v", a.calls, want)
		}
	}
}

func write(t *testing.T, path, content string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func TestPollLooksEveryFiveSeconds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metadata.db")
	day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	write(t, file, "a", day)
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.NewPoll([]string{file}, watch.PollOptions{Granularity: -1}), 0)
		time.Sleep(12 * time.Second)
		write(t, file, "ab", day)
		time.Sleep(20 * time.Second)
		a.end(t, 0, 15*time.Second)
	})
}

// A change in the same step of the file system's clock as a look leaves size
// and time as they were. The consumer is told nevertheless.
func TestPollCallsOnceMoreAfterADifference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metadata.db")
	day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	write(t, file, "a", day)
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.NewPoll([]string{file}, watch.PollOptions{Interval: time.Second}), 0)
		time.Sleep(9500 * time.Millisecond)
		write(t, file, "b", day.Add(2*time.Second))
		time.Sleep(time.Second) // seen at 10 s
		write(t, file, "c", day.Add(2*time.Second))
		time.Sleep(time.Minute)
		a.end(t, 0, 2*time.Second, 10*time.Second, 12*time.Second)
	})
}

// What cannot be looked at is not the same as what is not there, and neither is
// reported again and again.
func TestPollUnreadable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	file := filepath.Join(dir, "metadata.db")
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.NewPoll([]string{file}, watch.PollOptions{Granularity: -1}), 0)
		time.Sleep(7 * time.Second)
		write(t, dir, "not a directory", time.Now())
		time.Sleep(20 * time.Second)
		a.end(t, 0, 10*time.Second)
	})
}

// A call that takes longer than the interval does not make the watcher hurry
// afterwards, and what changed meanwhile is seen.
func TestPollSlowNotify(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metadata.db")
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.NewPoll([]string{file}, watch.PollOptions{Granularity: -1}), 11*time.Second)
		time.Sleep(7 * time.Second)
		write(t, file, "created", time.Now())
		time.Sleep(20 * time.Second)
		a.end(t, 0, 11*time.Second)
	})
}
