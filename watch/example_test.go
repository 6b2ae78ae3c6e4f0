package watch_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/watch"
)

// A consumer compares what is there with what it saw before. It is also called
// at the beginning, and may be called when nothing has changed.
func Example() {
	dir, err := os.MkdirTemp("", "library")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db := filepath.Join(dir, "metadata.db")
	files := []string{db, db + "-journal", db + "-wal"}

	w := watch.NewPoll(files, watch.PollOptions{Interval: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	seen := "nothing"
	fmt.Println("there is", seen)
	err = w.Watch(ctx, func() {
		now := "nothing"
		if _, err := os.Stat(db); err == nil {
			now = "a library"
		}
		if now != seen {
			fmt.Println("there is", now)
			cancel()
			return
		}
		// Somebody makes the library while it is watched.
		if err := os.WriteFile(db, []byte("SQLite format 3"), 0o644); err != nil {
			log.Fatal(err)
		}
	})
	fmt.Println(err)
	// Output:
	// there is nothing
	// there is a library
	// context canceled
}

// Kick refreshes now, without waiting until changes have settled: at the start,
// when somebody asks for it, or to try again what has failed.
func ExampleSettler_Kick() {
	files := []string{"/books/metadata.db"}
	w := watch.NewSettler(watch.NewPoll(files, watch.PollOptions{}), watch.SettleOptions{})
	w.Kick()

	ctx, cancel := context.WithCancel(context.Background())
	err := w.Watch(ctx, func() {
		fmt.Println("refreshed")
		cancel()
	})
	fmt.Println(err)
	// Output:
	// refreshed
	// context canceled
}
