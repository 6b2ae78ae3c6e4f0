package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/fsnotify/fsnotify"
)

// leastFree is how much free space DATA_DIR needs whatever is cached in it.
const leastFree = 256 << 20

// checkData looks at the folder for all that the server keeps.
func (e *examination) checkData(r *findings) {
	c := &e.config
	dir := c.DataDir
	wrong := false
	fault := func(cure, format string, args ...any) {
		wrong = true
		r.fault(cure, format, args...)
	}
	for _, l := range c.Libraries {
		if l.Path != "" && inside(dir, l.Path) {
			fault("set DATA_DIR to a folder elsewhere", "DATA_DIR %s is inside library %q, where nothing is ever written", dir, l.Name)
		}
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		e.checkParent(r, dir)
		return
	}
	switch {
	case err != nil:
		fault("give this user access to it", "DATA_DIR cannot be used: %v", err)
		return
	case !info.IsDir():
		fault("set DATA_DIR to a folder", "DATA_DIR %s is a file", dir)
		return
	}
	if f, err := os.CreateTemp(dir, "doctor-*"); err != nil {
		fault(fmt.Sprintf("make it writable for the user that runs the server (%d): chown, or another DATA_DIR", os.Getuid()), "DATA_DIR cannot be written: %v", err)
	} else {
		f.Close()
		os.Remove(f.Name())
	}
	if runtime.GOOS != "windows" {
		// A sticky folder is open on purpose, as in an image that any user may run.
		if mode := info.Mode().Perm(); mode&0o077 != 0 && info.Mode()&fs.ModeSticky == 0 {
			wrong = true
			r.warn("chmod 700 "+dir, "other users of this machine may look into DATA_DIR (mode %04o), where accounts are", mode)
		}
		for _, name := range []string{secretFile, stateFile} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
				fault("chmod 600 "+path+"; if others may have read it, make a new key, which ends all logins", "other users of this machine may read %s (mode %04o)", path, info.Mode().Perm())
			}
		}
	}
	if c.SecretKey == "" {
		if _, err := readSecret(filepath.Join(dir, secretFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			fault(howToKey+"; all logins end with it", "%v", err)
		}
	}
	free, ok := freeSpace(dir)
	if want := e.wanted(); ok && free < want {
		wrong = true
		r.warn("make room, or lower THUMBNAIL_CACHE_MAX_BYTES and DOWNLOAD_CACHE_MAX_BYTES", "DATA_DIR has %d MiB free, and caches may come to take %d MiB more", free>>20, want>>20)
	}
	if !wrong {
		r.ok("DATA_DIR %s can be used, %d MiB free", dir, free>>20)
	}
}

// checkParent looks whether a folder that is missing can be made.
func (e *examination) checkParent(r *findings, dir string) {
	parent := filepath.Dir(dir)
	for parent != filepath.Dir(parent) {
		if _, err := os.Stat(parent); err == nil {
			break
		}
		parent = filepath.Dir(parent)
	}
	probe, err := os.MkdirTemp(parent, ".pressmark-*")
	if err != nil {
		r.fault(fmt.Sprintf("make the folder and give it to the user that runs the server (%d), or set DATA_DIR to another", os.Getuid()), "DATA_DIR %s is not there and cannot be made: %v", dir, err)
		return
	}
	os.Remove(probe)
	r.ok("DATA_DIR %s is not there yet; the server makes it", dir)
}

// wanted is how much space the data folder needs beside what is in it.
func (e *examination) wanted() uint64 {
	c := &e.config
	caches := map[string]int64{"thumbnails": c.ThumbnailCacheMaxBytes}
	if c.ThumbnailCacheMaxBytes == 0 {
		caches["thumbnails"] = 1 << 30
	}
	if c.DownloadCacheDir == "" && c.usesDrive() {
		caches["downloads"] = c.DownloadCacheMaxBytes
	}
	want := int64(leastFree)
	for name, most := range caches {
		if most > 0 {
			want += max(0, most-sizeOf(filepath.Join(c.DataDir, name)))
		}
	}
	return uint64(want)
}

// sizeOf is how much the files below a folder take.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it counts for nothing
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// leastFiles is how many files and connections the server should be able to have.
const leastFiles = 4096

// checkLimits looks at what the system lets the process have.
func (e *examination) checkLimits(r *findings) {
	c := &e.config
	wrong := false
	files, ok := openFiles()
	if ok && files < leastFiles {
		wrong = true
		r.warn("raise it: LimitNOFILE=65536 in the systemd unit, \"ulimits: nofile\" in Compose, or ulimit -n", "the process may open only %d files and connections", files)
	}
	if !c.NoWatch {
		if err := watchable(c.Libraries); err != nil {
			wrong = true
			r.warn("raise fs.inotify.max_user_instances and fs.inotify.max_user_watches (sysctl)", "the system does not tell of changes, so that they are seen only every WATCH_POLL: %v", err)
		}
	}
	switch {
	case wrong:
	case ok:
		r.ok("%d files may be open, and the system tells of changes", files)
	default:
		r.ok("the system tells of changes; how many files may be open it does not tell")
	}
}

// watchable watches the folders of the databases for a moment. It opens none of
// their files.
func watchable(libraries []Library) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	for _, l := range libraries {
		dir := filepath.Dir(l.database())
		if _, err := os.Stat(dir); err != nil {
			continue // that is another check
		}
		if err := w.Add(dir); err != nil {
			return err
		}
	}
	return nil
}
