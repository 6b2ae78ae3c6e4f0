package main

import (
	"archive/zip"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/storagetest"
)

func TestZipStore(t *testing.T) {
	storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
		archive := pack(t, objects)
		r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		return NewZipStore(r)
	}, storagetest.Quirks{})
}

// pack makes an archive of the objects.
func pack(t testing.TB, objects map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		f, err := w.Create(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(objects[key]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRun(t *testing.T) {
	name := filepath.Join(t.TempDir(), "books.zip")
	archive := pack(t, map[string][]byte{"b/two.txt": []byte("second"), "a one.txt": []byte("first"), "folder/": nil, "../up": []byte("x")})
	if err := os.WriteFile(name, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{name}, "         5  a one.txt\n         6  b/two.txt\n"},
		{[]string{name, "b/two.txt"}, "second"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), c.args, &out); err != nil || out.String() != c.want {
			t.Errorf("%q writes %q, %v; want %q", c.args[1:], &out, err, c.want)
		}
	}
	for _, args := range [][]string{nil, {name + "x"}, {name, "nope"}, {name, "../up"}, {name, "a", "b"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
