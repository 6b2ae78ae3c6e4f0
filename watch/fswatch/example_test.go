package fswatch_test

import (
	"context"
	"fmt"
	"os"

	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/fswatch"
)

// A Calibre library is watched by both, and changes are passed on when they
// have settled.
func Example() {
	db := "/books/metadata.db"
	files := []string{db, db + "-journal", db + "-wal"}
	w := watch.NewSettler(watch.Join(
		watch.NewPoll(files, watch.PollOptions{}),
		fswatch.New(files, fswatch.Options{}),
	), watch.SettleOptions{})
	w.Kick() // the first load need not wait

	ctx, cancel := context.WithCancel(context.Background())
	err := w.Watch(ctx, func() {
		if _, err := os.Stat(db); err != nil {
			fmt.Println("no library yet")
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// no library yet
	// context canceled
}
