package e2e

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// session is a user who has logged in.
type session struct {
	client http.Client
	token  string
}

// login logs in with form fields, as the guide's curl does.
func login(t *testing.T, base string) *session {
	t.Helper()
	res, err := http.PostForm(base+"/api/auth/login", url.Values{"username": {"admin@example.com"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Access    string `json:"access_token"`
		Refresh   string `json:"refresh_token"`
		Type      string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Access == "" || got.Refresh == "" || got.Type != "bearer" || got.ExpiresIn != 1800 {
		t.Fatalf("login: %s, %+v, %v", res.Status, got, err)
	}
	s := &session{token: got.Access}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

func (s *session) request(method, address, body string) (*http.Response, error) {
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return s.client.Do(r)
}

// do sends a request.
func (s *session) do(t *testing.T, method, address, body string) *http.Response {
	t.Helper()
	res, err := s.request(method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// get returns what is at an address.
func (s *session) get(t *testing.T, address string) []byte {
	t.Helper()
	res := s.do(t, http.MethodGet, address, "")
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %.300s", address, res.Status, err, body)
	}
	return body
}

// put writes.
func (s *session) put(t *testing.T, address, body string) {
	t.Helper()
	res := s.do(t, http.MethodPut, address, body)
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		answer, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: %s: %.300s", address, res.Status, answer)
	}
}

// total is how many books there are.
func (s *session) total(t *testing.T, base string) int {
	t.Helper()
	var page struct{ Total int }
	if err := json.Unmarshal(s.get(t, base+"/api/books/"), &page); err != nil {
		t.Fatal(err)
	}
	return page.Total
}

// locator is the place in book 3.
func (s *session) locator(t *testing.T, base string) string {
	t.Helper()
	var mark struct{ Progress struct{ Locator string } }
	if err := json.Unmarshal(s.get(t, base+"/api/me/books/3"), &mark); err != nil {
		t.Fatal(err)
	}
	return mark.Progress.Locator
}

// steady reads and writes until over is closed, and says what the first failure
// was; "" if there was none.
func (s *session) steady(base string, over <-chan struct{}) string {
	tick := time.NewTicker(50 * time.Millisecond) // nginx allows 100 requests a second
	defer tick.Stop()
	first := ""
	for i := 0; ; i++ {
		select {
		case <-over:
			return first
		case <-tick.C:
		}
		method, path := http.MethodGet, "/api/books?limit=1"
		if i%2 == 1 {
			method, path = http.MethodPut, "/api/me/favorites/5"
		}
		res, err := s.request(method, base+path, "")
		if err == nil {
			res.Body.Close()
			if res.StatusCode >= 300 {
				err = errors.New(res.Status)
			}
		}
		if err != nil && first == "" {
			first = fmt.Sprintf("request %d, %s %s: %v", i, method, path, err)
		}
	}
}

// burst asks for one address n times at once, and returns the codes.
func (s *session) burst(t *testing.T, address string, n int) []int {
	t.Helper()
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			res, err := s.request(http.MethodGet, address, "")
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			codes[i] = res.StatusCode
		})
	}
	wg.Wait()
	return codes
}

// fetch returns what is at an address that needs no login.
func fetch(t *testing.T, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %.300s", address, res.Status, err, body)
	}
	return body
}

// copyTo puts all files of a library into a Drive.
func copyTo(t *testing.T, drive *drivetest.Drive, library string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(library), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "metadata.db") {
			return err
		}
		content, err := os.ReadFile(filepath.Join(library, path))
		drive.Put(path, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// openTo lets the user of the container read a library.
func openTo(t *testing.T, library string) {
	t.Helper()
	err := filepath.WalkDir(library, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readArchive returns a file of the sample library.
func readArchive(r *zip.Reader, name string) ([]byte, error) { return fs.ReadFile(r, name) }
