package server

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/httpapi/upload"
	"github.com/pressmark/pressmark/storage"
)

// Upload is what is sent to S3.
type Upload struct {
	// Library is the name of the library that is sent. Empty is each of them.
	Library string
	// DryRun, DeleteStale, Parallel, Sizes and Formats are those of
	// [upload.Options].
	DryRun, DeleteStale bool
	Parallel            int
	Sizes               []covers.Size
	Formats             []string
	// Progress is told how far it is with a library. nil is nobody.
	Progress func(library string, c upload.Count)
	// Finished is told of each library what was done for it, also when that was
	// broken off. nil is nobody.
	Finished func(library string, c upload.Count)
}

// UploadCovers sends the covers of the libraries of c to S3, where a server with
// the same settings looks for them.
func UploadCovers(ctx context.Context, c Config, u Upload) error {
	return c.upload(ctx, u, upload.Covers, func(o *S3) string { return o.CoversPrefix })
}

// UploadBooks is UploadCovers for books.
func UploadBooks(ctx context.Context, c Config, u Upload) error {
	return c.upload(ctx, u, upload.Books, func(o *S3) string { return o.BooksPrefix })
}

func (c Config) upload(ctx context.Context, u Upload, send func(context.Context, upload.Options) (upload.Count, error), prefix func(*S3) string) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	bucket, err := c.S3.open(ctx)
	if err != nil {
		return err
	}
	o := upload.Options{DryRun: u.DryRun, DeleteStale: u.DeleteStale, Parallel: u.Parallel, Sizes: u.Sizes, Logger: c.Logger}
	for _, f := range u.Formats {
		o.Formats = append(o.Formats, strings.ToUpper(f))
	}
	if len(u.Sizes) > 0 {
		o.Thumbnails, err = covers.New(covers.Options{
			Dir: filepath.Join(c.DataDir, "thumbnails"), MaxBytes: c.ThumbnailCacheMaxBytes, Logger: c.Logger,
		})
		if err != nil {
			return err
		}
	}
	found := false
	for i, l := range c.Libraries {
		if u.Library != "" && u.Library != l.Name {
			continue
		}
		found = true
		o.To = storage.Prefixed(bucket, prefix(&c.S3)+c.folder(i))
		if err := c.uploadLibrary(ctx, l, u, o, send); err != nil {
			return fmt.Errorf("library %q: %w", l.Name, err)
		}
	}
	if !found {
		return &ConfigError{"--library", fmt.Sprintf("there is no library %q", u.Library)}
	}
	return nil
}

func (c Config) uploadLibrary(ctx context.Context, l Library, u Upload, o upload.Options, send func(context.Context, upload.Options) (upload.Count, error)) (err error) {
	if err := l.check(c.DataDir); err != nil {
		return err
	}
	// What the catalog does is not what the command is about.
	c.Logger = slog.New(slog.DiscardHandler)
	c.NoWatch = true
	lib, err := c.openCatalog(l, "", index.Sets(nil))
	if err != nil {
		return err
	}
	defer lib.Close()
	if err := lib.Load(ctx); err != nil {
		return err
	}
	o.Catalog, o.Library, o.From = lib, l.Name, l.files()
	if u.Progress != nil {
		o.Progress = func(n upload.Count) { u.Progress(l.Name, n) }
	}
	n, err := send(ctx, o)
	if u.Finished != nil && (err == nil || n.Done > 0) {
		u.Finished(l.Name, n)
	}
	return err
}
