// Package sample holds a small Calibre library of 24 books, embedded as the
// zip file that Calibre 6.13 left behind: metadata.db, covers, and books in
// eight formats and nine languages, with nine custom columns.
//
// [Unpack] writes it to a folder, for a first look without a library of one's
// own (this is what "pressmark demo" serves):
//
//	if err := sample.Unpack(filepath.Join(dataDir, "sample")); err != nil {
//		return err
//	}
//
// [Archive] reads single files out of it without touching a disk. The package
// imports no testing code, so that programs can link it; tests find more
// comfort one folder above, in calibretest.
package sample

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed library.zip
var libraryZip []byte

// database is the file whose presence tells that a folder is a Calibre library.
const database = "metadata.db"

// Archive returns the library as a read-only file system. Its paths are those
// inside a Calibre library: "metadata.db", "Author/Title (id)/cover.jpg".
func Archive() (*zip.Reader, error) {
	r, err := zip.NewReader(bytes.NewReader(libraryZip), int64(len(libraryZip)))
	if err != nil {
		return nil, fmt.Errorf("sample library: %w", err)
	}
	return r, nil
}

// Unpack writes the sample library to the folder dir, with the modification
// times of the archive. Missing parents are made.
//
// It is all or nothing: the files are written to a folder beside dir, which is
// renamed when it is complete, so that a process killed half way leaves no half
// library under dir. A dir that holds a metadata.db already is left as it is
// and the result is nil, also when somebody has edited that library since; two
// processes that unpack at once both succeed. A dir that holds other things is
// refused with [fs.ErrExist].
func Unpack(dir string) error {
	archive, err := Archive()
	if err != nil {
		return err
	}
	return unpack(archive, dir)
}

func unpack(archive *zip.Reader, dir string) error {
	if done, err := unpacked(dir); done || err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("unpack sample library: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-*")
	if err != nil {
		return fmt.Errorf("unpack sample library: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp makes it private
		return fmt.Errorf("unpack sample library: %w", err)
	}
	if err := extract(archive, temp); err != nil {
		return fmt.Errorf("unpack sample library: %w", err)
	}
	os.Remove(dir) // an empty folder may be in the way; a full one stays
	if err := os.Rename(temp, dir); err != nil {
		if done, _ := unpacked(dir); done { // another process was faster
			return nil
		}
		return fmt.Errorf("unpack sample library: %w", err)
	}
	return nil
}

// unpacked reports whether dir is a library already. It fails where dir cannot
// become one.
func unpacked(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("unpack sample library: %w", err)
	}
	for _, e := range entries {
		if e.Name() == database {
			return true, nil
		}
	}
	return false, fmt.Errorf("unpack sample library: %s is not empty and holds no %s: %w", dir, database, fs.ErrExist)
}

// extract writes the files of archive below dir. It goes through os.Root, so
// that no name in the archive can lead out of dir.
func extract(archive *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue // folders come with their files
		}
		if !f.Mode().IsRegular() {
			return fmt.Errorf("%q: %w", f.Name, errors.ErrUnsupported)
		}
		if err := extractFile(root, f); err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	return nil
}

func extractFile(root *os.Root, f *zip.File) error {
	if !fs.ValidPath(f.Name) {
		return fs.ErrInvalid
	}
	if err := root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return root.Chtimes(f.Name, f.Modified, f.Modified)
}
