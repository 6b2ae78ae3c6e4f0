package drivetest_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/iotest"

	"google.golang.org/api/drive/v3"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// download returns a range, or all if that is empty.
func download(t testing.TB, s *drive.Service, id, rng string) (*http.Response, []byte, error) {
	t.Helper()
	call := s.Files.Get(id).SupportsAllDrives(true)
	if rng != "" {
		call.Header().Set("Range", rng)
	}
	res, err := call.Download()
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func TestMedia(t *testing.T) {
	modes(t, drivetest.Options{}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		f := d.Put("a.pdf", []byte("0123456789"))
		empty := d.Put("empty", nil)
		for _, c := range []struct{ rng, body, contentRange string }{
			{"", "0123456789", ""},
			{"bytes=0-", "0123456789", "bytes 0-9/10"},
			{"bytes=0-0", "0", "bytes 0-0/10"},
			{"bytes=2-4", "234", "bytes 2-4/10"},
			{"bytes=7-100", "789", "bytes 7-9/10"},
			{"bytes=9-", "9", "bytes 9-9/10"},
			{"bytes=-3", "789", "bytes 7-9/10"},
			{"bytes=-100", "0123456789", "bytes 0-9/10"},
			{"bytes=4-2", "0123456789", ""}, // no range
			{"bytes=0-1,3-4", "0123456789", ""},
			{"bytes=+1-2", "0123456789", ""},
			{"bytes=-", "0123456789", ""},
			{"lines=1-2", "0123456789", ""},
			{"bytes=99999999999999999999-", "0123456789", ""},
		} {
			res, body, err := download(t, s, f, c.rng)
			if err != nil || string(body) != c.body || res.Header.Get("Content-Range") != c.contentRange ||
				(res.StatusCode == http.StatusPartialContent) != (c.contentRange != "") || res.ContentLength != int64(len(c.body)) {
				t.Errorf("%s: %q, %v, %+v", c.rng, body, err, res)
			}
			if h := res.Header; h.Get("Content-Type") != "application/pdf" || h.Get("ETag") != "" || h.Get("X-Goog-Hash") != "" {
				t.Error(h)
			}
		}
		for rng, id := range map[string]string{"bytes=10-": f, "bytes=10-20": f, "bytes=-0": f, "bytes=0-": empty, "bytes=0-0": empty, "bytes=-1": empty} {
			_, _, err := download(t, s, id, rng)
			if e := check(t, err, 416, "requestedRangeNotSatisfiable"); e.Header.Get("Content-Range") != map[string]string{f: "bytes */10", empty: "bytes */0"}[id] {
				t.Error(rng, e.Header)
			}
		}
		if res, body, err := download(t, s, empty, ""); err != nil || len(body) != 0 || res.ContentLength != 0 || res.StatusCode != http.StatusOK {
			t.Error(res, err)
		}
		if d.Trash(f) != nil {
			t.Fatal("no trash")
		}
		if _, body, err := download(t, s, f, ""); err != nil || len(body) != 10 {
			t.Error(body, err)
		}
		for _, id := range []string{d.Root(), d.AddDocument(d.Root(), "doc"), d.AddShortcut(d.Root(), "short", f)} {
			_, _, err := download(t, s, id, "")
			check(t, err, 403, "fileNotDownloadable")
		}
		_, _, err := download(t, s, "none", "")
		check(t, err, 404, "notFound")
		if d.Forbid(f, "cannotDownloadAbusiveFile") != nil {
			t.Fatal("no forbid")
		}
		_, _, err = download(t, s, f, "")
		check(t, err, 403, "cannotDownloadAbusiveFile")
		if f := must2(t)(s.Files.Get(f).Fields("capabilities/canDownload").Do()); f.Capabilities.CanDownload {
			t.Error("may be downloaded")
		}
		if c := d.Calls(); c.Media != 27 || c.Bytes != 111 {
			t.Errorf("%+v", c)
		}
	})
}

// TestOpenDownload: a download is of the version that it began with.
func TestOpenDownload(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	id := d.Put("f", bytes.Repeat([]byte("a"), 1<<20))
	res, err := service(t, d).Files.Get(id).Download()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if d.Replace(id, []byte("b")) != nil || d.Delete(id) != nil {
		t.Fatal("no change")
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || len(body) != 1<<20 || bytes.ContainsRune(body, 'b') {
		t.Error(len(body), err)
	}
}

func TestGenerated(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	id, twin := d.AddGenerated(d.Root(), "a", 100_001, 7), d.AddGenerated(d.Root(), "b", 100_001, 7)
	other := d.AddGenerated(d.Root(), "c", 100_001, 8)
	content := d.Content(id)
	if !bytes.Equal(content, d.Content(twin)) || bytes.Equal(content, d.Content(other)) || bytes.Equal(content[:8], content[8:16]) || len(content) != 100_001 {
		t.Error("not of the seed")
	}
	if err := iotest.TestReader(d.Open(id), content); err != nil {
		t.Error(err)
	}
	s := service(t, d)
	for _, rng := range [][2]int{{0, 1}, {7, 9}, {8, 15}, {13, 70_000}, {99_999, 100_000}} {
		_, body, err := download(t, s, id, fmt.Sprintf("bytes=%d-%d", rng[0], rng[1]))
		if err != nil || !bytes.Equal(body, content[rng[0]:rng[1]+1]) {
			t.Error(rng, err)
		}
	}
	sum := md5.Sum(content)
	if f := must2(t)(s.Files.Get(id).Fields("md5Checksum,size").Do()); f.Md5Checksum != hex.EncodeToString(sum[:]) || f.Size != 100_001 {
		t.Errorf("%+v", f)
	}
}

// TestLargeFile: nothing is kept of it.
func TestLargeFile(t *testing.T) {
	const size = 64 << 20
	d := drivetest.New(drivetest.Options{})
	id := d.AddGenerated(d.Root(), "large", size, 1)
	s := service(t, d)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := s.Files.Get(id).Download()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Error(n, err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes allocated for %d", got, size)
	}
}
