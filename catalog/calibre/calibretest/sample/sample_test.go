package sample

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "library")
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	archive, err := Archive()
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 79 {
		t.Errorf("the archive has %d files, want 79", len(archive.File))
	}
	for _, f := range archive.File {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(in)
		in.Close()
		if err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
			t.Errorf("%s differs from the archive (%v)", f.Name, err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(f.Modified) {
			t.Errorf("%s: modified %v, want %v", f.Name, info.ModTime(), f.Modified)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUnpackAgainKeepsTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(dir, database)
	if err := os.WriteFile(edited, []byte("edited"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(edited); string(got) != "edited" {
		t.Error("the second Unpack replaced a file")
	}
}

func TestUnpackIntoEmptyAndFullFolders(t *testing.T) {
	if err := Unpack(t.TempDir()); err != nil {
		t.Errorf("empty folder: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(full); !errors.Is(err, fs.ErrExist) {
		t.Errorf("full folder: %v, want fs.ErrExist", err)
	}
	if entries, _ := os.ReadDir(full); len(entries) != 1 {
		t.Errorf("full folder: now %d entries, want the one that was there", len(entries))
	}
}

func TestUnpackAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := Unpack(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(filepath.Join(dir, database)); err != nil {
		t.Error(err)
	}
}

func TestUnpackRefusesNamesThatLeadOut(t *testing.T) {
	for _, name := range []string{"../evil", "/evil", "a/../../evil", `..\evil/../../evil`} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, n := range []string{"good", name} {
			f, err := w.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(f, "x")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			t.Fatal(err)
		}
		base := t.TempDir()
		if err := unpack(archive, filepath.Join(base, "in", "library")); err == nil {
			t.Errorf("%q was unpacked", name)
		}
		err = filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%q: left %s behind", name, p)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
