package diskcache

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	lockName   = "lock"
	tempSuffix = ".tmp"

	// touchAfter is how old the time of a file must be before a use renews it.
	touchAfter = 60 // seconds
)

// path returns the name of a block's file. There are 256 folders, made as they
// are needed, so that none gets very large.
func (c *Cache) path(id blockID) string {
	name := id.String()
	return filepath.Join(c.dir, name[:2], name)
}

// temp returns the name of the file in which flight seq collects a block. It is
// in the folder of the block's own, so that renaming is all that is to be done,
// and no two flights share it.
func (c *Cache) temp(id blockID, seq uint64) string {
	return c.path(id) + "." + strconv.FormatUint(seq, 36) + tempSuffix
}

// takeOver locks the folder and fills the index with what is in it.
func (c *Cache) takeOver() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	lock, err := lockFolder(c.dir)
	if err != nil {
		return err
	}
	c.lock = lock
	found, err := c.scan()
	if err != nil {
		lock.Close()
		return err
	}
	// The order of use is roughly that of modification times.
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.touched, b.touched) })
	for _, e := range found {
		c.index.used += e.cost
		c.index.add(e)
	}
	victims, _ := c.index.reserve(0) // there may be more than there were allowed before
	for _, e := range victims {
		if err := os.Remove(c.path(e.id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			lock.Close()
			return err
		}
		c.index.removed(e, true)
		c.evicted.Add(1)
	}
	return nil
}

func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// scan lists the block files, and removes temporary ones.
func (c *Cache) scan() ([]*entry, error) {
	var found []*entry
	folders, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		first, err := hex.DecodeString(folder.Name())
		if err != nil || len(first) != 1 || !folder.IsDir() {
			continue
		}
		dir := filepath.Join(c.dir, folder.Name())
		d, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		files, err := d.Readdir(-1) // unsorted, with sizes
		d.Close()
		if err != nil {
			return nil, err
		}
		for _, fi := range files {
			e, ours := describe(fi, first[0])
			if e != nil {
				found = append(found, e)
				continue
			}
			if !ours {
				continue
			}
			if err := os.RemoveAll(filepath.Join(dir, fi.Name())); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// describe returns the entry of a file in the folder of a first byte, or nil if
// it is not a block, and whether its name is one of ours.
func describe(fi fs.FileInfo, first byte) (e *entry, ours bool) {
	name, rest, temp := strings.Cut(fi.Name(), ".")
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != len(blockID{}) || b[0] != first || name != strings.ToLower(name) {
		return nil, false
	}
	if temp {
		return nil, strings.HasSuffix(rest, tempSuffix[1:])
	}
	if !fi.Mode().IsRegular() {
		return nil, true
	}
	return &entry{id: blockID(b), cost: onDisk(fi.Size()), touched: fi.ModTime().Unix()}, true
}

// createTemp creates a temporary file, and its folder if it is the first in it,
// or if somebody has removed the folder.
func (c *Cache) createTemp(path string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := c.restore(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flags, 0o600)
}

// restore makes a folder of blocks. If the lock is not there any more, as all of
// the cache was removed, it is taken anew: somebody else may have it now.
func (c *Cache) restore(sub string) error {
	c.locking.Lock()
	defer c.locking.Unlock()
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return err
	}
	held, err := c.lock.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(filepath.Join(c.dir, lockName))
	if err == nil && os.SameFile(held, there) {
		return nil
	}
	lock, err := lockFolder(c.dir)
	if err != nil {
		return err
	}
	c.lock.Close()
	c.lock = lock
	return nil
}

// load reads block i into buf and returns its content if it is kept and whole,
// else nil. A file that is not what it should be is removed. An error says that
// the disk cannot tell.
func (c *Cache) load(o *object, i int64, buf []byte) ([]byte, error) {
	header := o.header(i)
	now := time.Now()
	c.mu.Lock()
	var e *entry
	if !c.closed {
		e = c.index.pin(idOf(header))
	}
	touch := e != nil && now.Unix()-e.touched >= touchAfter
	if touch {
		e.touched = now.Unix()
	}
	c.mu.Unlock()
	if e == nil {
		return nil, nil
	}
	path := c.path(e.id)
	content, err := readBlock(path, header, o.length(i), buf)
	var opening errOpen
	switch {
	case err == nil:
		if touch {
			os.Chtimes(path, now, now)
		}
		c.unpin(e, "")
		return content, nil
	case errors.Is(err, fs.ErrNotExist):
		c.unpin(e, "missing")
		return nil, nil
	case errors.As(err, &opening) && !errors.Is(err, fs.ErrPermission):
		c.unpin(e, "")
		return nil, fmt.Errorf("reading a block: %w", err)
	}
	c.unpin(e, "damaged")
	return nil, nil
}

// unpin ends the use of a file. A fault, if it has one, makes it go as soon as
// nobody else uses it.
func (c *Cache) unpin(e *entry, fault string) {
	c.mu.Lock()
	if fault != "" && !e.leaving {
		e.damaged = true
		c.index.take(e)
		if fault == "damaged" {
			c.discarded.Add(1)
		}
	}
	last := c.index.unpin(e)
	c.mu.Unlock()
	if last {
		if err := c.remove(e); err != nil {
			c.degrade(err)
		}
	}
}

// remove removes the file of an entry that was taken out of the index. It may
// have become a folder.
func (c *Cache) remove(e *entry) error {
	err := os.RemoveAll(c.path(e.id))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index.removed(e, err == nil)
	return err
}
