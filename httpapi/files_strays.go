package httpapi

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/storage"
)

// strays knows the folders that are not where the catalog says: renamed by
// Calibre a moment ago, or moved by somebody's hand. It finds them by going
// through the whole library, which takes a second or two for 100,000 books, so
// it does this for all books at once and for at most a tenth of the time.
type strays struct {
	mu      sync.Mutex
	next    time.Time // not before this time again
	folders map[catalog.BookID]string
}

// walkTime bounds one walk. What was found until then counts.
const walkTime = 3 * time.Second

// folder returns the book's folder, "" if it has not been found. Only folders
// of this machine are walked: elsewhere each would cost requests. books are all
// of the library, as what is found is kept for everybody: who asks must have
// made sure that this one may be seen.
func (s *strays) folder(ctx context.Context, files storage.Store, books catalog.Reader, id catalog.BookID) string {
	if _, local := storage.As[storage.FileOpener](files); !local {
		return ""
	}
	s.mu.Lock() // others wait for the walk: its result is theirs too
	defer s.mu.Unlock()
	start := time.Now()
	if start.Before(s.next) {
		return s.folders[id]
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), walkTime)
	defer cancel()
	s.folders = map[catalog.BookID]string{}
	last := ""
	for info, err := range files.List(limited, "") {
		if err != nil {
			break // out of time, or the store is gone, which the caller finds out by itself
		}
		folder := path.Dir(info.Key)
		if folder == last {
			continue
		}
		last = folder
		found := idOf(folder)
		if found == 0 || strings.HasPrefix(folder, ".") || strings.Contains(folder, "/.") { // .caltrash holds deleted books
			continue
		}
		if b, err := books.Book(limited, found); err == nil && b.Path != folder {
			s.folders[found] = folder
		}
	}
	end := time.Now()
	s.next = end.Add(9 * end.Sub(start))
	return s.folders[id]
}
