package server

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestServersTogether has two servers in this process and one in another read
// one library all the time while a third process writes. A server that dropped
// the lock of another would let the writer change what is being copied: books
// of two transactions in one catalog. A server that kept its lock too long
// would stop the writer.
func TestServersTogether(t *testing.T) {
	c := sampleConfig(t)
	c.WatchSettle = 0
	root := c.Libraries[0].Path
	other := start(t, roleServe, nil, root, t.TempDir())
	url := other.line(t)
	var readers []*Server
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	var revisions atomic.Int64
	for range 2 {
		s := open(t, c)
		readers = append(readers, s)
		wg.Go(func() { refreshAll(ctx, s) })
		wg.Go(func() {
			for change := range s.libraries[0].Subscribe(ctx) {
				revisions.Add(1)
				if n := oneNumber(t, s); n == "" {
					t.Errorf("books of two transactions at revision %s", change.Revision.Digest)
				}
			}
		})
	}
	writer := start(t, roleWrite, nil, database(root), "")
	poll(t, patience, "many catalogs read beside the writer", func() bool { return revisions.Load() >= 40 })
	writer.input.Close()
	want := writer.line(t)
	if err := writer.end(); err != nil {
		t.Error(err)
	}
	poll(t, patience, "all servers at the last write", func() bool {
		for _, s := range readers {
			if oneNumber(t, s) != want {
				return false
			}
		}
		var b struct {
			AuthorSort string `json:"author_sort"`
		}
		_, body, err := fetch(t.Context(), http.DefaultClient, url+"/api/books/24")
		return err == nil && json.Unmarshal(body, &b) == nil && b.AuthorSort == want
	})
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := other.end(); err != nil {
		t.Error(err)
	}
	for _, s := range readers {
		if status := s.libraries[0].Status(); status.Problem != nil {
			t.Errorf("problem at the end: %v", status.Problem)
		}
	}
	t.Logf("%s writes, %d catalogs read in this process", want, revisions.Load())
	checkIntegrity(t, database(root))
}

// oneNumber is the number that all books of s bear, "" if they bear several.
func oneNumber(t *testing.T, s *Server) string {
	page, err := s.libraries[0].Snapshot().Books(context.WithoutCancel(t.Context()), catalog.Query{Limit: catalog.MaxLimit})
	if err != nil || len(page.Items) != 24 {
		t.Errorf("%d books, %v", len(page.Items), err)
		return ""
	}
	number := page.Items[0].AuthorSort
	if _, err := strconv.Atoi(number); err != nil {
		return "none yet"
	}
	for i := range page.Items {
		if page.Items[i].AuthorSort != number {
			return ""
		}
	}
	return number
}

// number writes a number into all books, and then the next, in transactions that
// do not fit into the cache, so that pages are in the file before the commit.
// When the input ends it prints the last.
func number(t *testing.T, path string) {
	db, err := calibretest.Open(path, "_pragma=cache_size(4)", "_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	end := make(chan struct{})
	go func() {
		defer close(end)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	for i := 1; ; i++ {
		begin := time.Now()
		if err := numberAll(db, i); err != nil {
			t.Fatalf("write %d, after %v: %v", i, time.Since(begin), err)
		}
		select {
		case <-time.After(rand.N(40 * time.Millisecond)): // however long it took, or nobody else would get a turn
		case <-end:
			fmt.Println(i)
			return
		}
	}
}

func numberAll(db *sql.DB, i int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, s := range []string{
		`UPDATE books SET author_sort = ?1, last_modified = '2024-01-01 00:00:00.' || printf('%06d', ?1) || '+00:00' WHERE id <= 12`,
		`UPDATE comments SET text = substr(text || printf('%.*c', 20000, 'x'), 1, 20000 + ?1 % 2)`,
		`UPDATE books SET author_sort = ?1, last_modified = '2024-01-01 00:00:00.' || printf('%06d', ?1) || '+00:00' WHERE id > 12`,
	} {
		if _, err := tx.Exec(s, i); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db, err := calibretest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var result string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&result); err != nil || result != "ok" {
		t.Errorf("integrity_check: %s, %v", result, err)
	}
}
