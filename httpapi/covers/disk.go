package covers

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// disk keeps pictures as files. A file's modification time says when it was
// last used, so the order of use survives a restart without a file of its own,
// and there is nothing in memory for each file.
type disk struct {
	dir   string
	limit int64
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	bytes   int64     // in dir, as far as known
	counted bool      // bytes was counted once
	offTill time.Time // dir could not be written; not tried again before
}

const (
	// useGrain is how precisely times of use are kept: a file that is read
	// often is touched once in this time.
	useGrain = time.Minute
	// offTime is how long a folder that cannot be written is left alone.
	offTime = time.Minute
	// tempLife is how old a temporary file must be to be a dead writer's.
	tempLife = time.Hour

	tempPrefix = ".new-"
	suffix     = ".jpg"
)

// The end of each file: a mark, then length and CRC-32C of what comes before.
const trailerMark = "PMcover1"

const trailerLen = len(trailerMark) + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendTrailer(b []byte) []byte {
	n, sum := len(b), crc32.Checksum(b, castagnoli)
	b = append(b, trailerMark...)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return binary.BigEndian.AppendUint32(b, sum)
}

// checkTrailer returns what stands before the trailer, nil if it is damaged.
func checkTrailer(b []byte) []byte {
	n := len(b) - trailerLen
	if n <= 0 {
		return nil
	}
	body, rest := b[:n:n], b[n:]
	if !bytes.HasPrefix(rest, []byte(trailerMark)) {
		return nil
	}
	rest = rest[len(trailerMark):]
	if binary.BigEndian.Uint32(rest) != uint32(n) || binary.BigEndian.Uint32(rest[4:]) != crc32.Checksum(body, castagnoli) {
		return nil
	}
	return body
}

// path spreads files over 256 folders: some file systems are slow with a
// hundred thousand in one.
func (d *disk) path(k key) string {
	s := k.String()
	return filepath.Join(d.dir, s[:2], s[2:]+suffix)
}

// get returns the picture, nil if there is none.
func (d *disk) get(k key) []byte {
	if d == nil {
		return nil
	}
	name := d.path(k)
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() > d.limit {
		return nil
	}
	b := make([]byte, fi.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil
	}
	jpeg := checkTrailer(b)
	if jpeg == nil {
		os.Remove(name) // made anew by the caller, over it if this fails
		return nil
	}
	if now := d.now(); now.Sub(fi.ModTime()).Abs() >= useGrain {
		os.Chtimes(name, now, now) // fails in a folder that became read-only: then the order stays
	}
	return jpeg
}

// put keeps the picture. What goes wrong is logged, at most once in offTime.
func (d *disk) put(k key, jpeg []byte) {
	if d == nil || int64(len(jpeg)+trailerLen) > d.limit {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if now.Before(d.offTill) {
		return
	}
	err := write(d.path(k), appendTrailer(jpeg[:len(jpeg):len(jpeg)]), now)
	if err == nil {
		d.bytes += int64(len(jpeg) + trailerLen)
		if !d.counted || d.bytes > d.limit {
			err = d.prune(now)
		}
	}
	if err != nil {
		d.offTill = now.Add(offTime)
		d.log.Warn("Thumbnails are not kept on disk for now", "component", "covers", "dir", d.dir, "err", err)
	}
}

// write makes the file appear whole, used now by our clock, which need not be
// the file system's. It is not synced: after a crash the checksum tells.
func write(name string, content []byte, now time.Time) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), tempPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Chtimes(f.Name(), now, now)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

type cached struct {
	name string
	size int64
	used time.Time
}

// prune counts what the folder holds and, if it is too much, deletes what was
// used least recently until a tenth of the limit is free, so that it is not
// called for every file. Files that are being read stay readable.
func (d *disk) prune(now time.Time) error {
	var files []cached
	var total int64
	err := filepath.WalkDir(d.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return ignoreMissing(err)
		}
		temp := strings.HasPrefix(e.Name(), tempPrefix)
		if !temp && !isPicture(e.Name()) {
			return nil // not ours
		}
		fi, err := e.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		if temp {
			if now.Sub(fi.ModTime()) > tempLife {
				os.Remove(name)
			}
			return nil
		}
		files = append(files, cached{name, fi.Size(), fi.ModTime()})
		total += fi.Size()
		return nil
	})
	if err != nil {
		return err
	}
	d.counted = true
	if total > d.limit {
		slices.SortFunc(files, func(a, b cached) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.name, b.name)) })
		for _, f := range files {
			if total <= d.limit-d.limit/10 {
				break
			}
			if err := ignoreMissing(os.Remove(f.name)); err != nil {
				return err
			}
			total -= f.size
		}
	}
	d.bytes = total
	return nil
}

// isPicture says whether a file of this name was written by put.
func isPicture(name string) bool {
	stem, ok := strings.CutSuffix(name, suffix)
	_, err := hex.DecodeString(stem)
	return ok && err == nil && len(stem) == 2*len(key{})-2
}

// ignoreMissing: another process may prune the same folder.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
