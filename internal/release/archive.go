package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// member is a file of an archive.
type member struct {
	name string
	path string // of its content
	mode fs.FileMode
}

// writeTar writes a compressed tar archive with a folder that has the members.
func writeTar(w io.Writer, folder string, members []member, at time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, m := range members {
		content, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		header := tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + m.name, Size: int64(len(content)), Mode: int64(m.mode), ModTime: at, Format: tar.FormatPAX}
		if err := t.WriteHeader(&header); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// writeZip is writeTar for those who expect a zip archive.
func writeZip(w io.Writer, folder string, members []member, at time.Time) error {
	z := zip.NewWriter(w)
	for _, m := range members {
		content, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		header := zip.FileHeader{Name: folder + "/" + m.name, Method: zip.Deflate, Modified: at}
		header.SetMode(m.mode)
		f, err := z.CreateHeader(&header)
		if err != nil {
			return err
		}
		if _, err := f.Write(content); err != nil {
			return err
		}
	}
	return z.Close()
}
