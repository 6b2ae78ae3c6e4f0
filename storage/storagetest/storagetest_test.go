package storagetest_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
	"github.com/pressmark/pressmark/storage/storagetest"
)

const faultVariable = "STORAGETEST_FAULT"

// TestFaults proves that the suite sees what it claims to see: it must fail
// for each of these faulty stores, in the part named. A failing test can only
// be watched from another process.
func TestFaults(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{
		"none":              "",
		"range ignored":     "Plain/Ranges",
		"short range":       "Plain/Ranges",
		"size of range":     "Plain/Ranges",
		"end is an error":   "Plain/Ranges",
		"unsorted":          "Plain/List",
		"list not deep":     "Plain/List",
		"list of folder":    "Plain/List",
		"list has no end":   "Plain/List",
		"no context":        "Plain/Cancel",
		"context at open":   "Plain/Cancel",
		"folders exist":     "Plain/Missing",
		"bare error":        "Plain/Missing",
		"keys cleaned":      "Plain/BadKeys",
		"names folded":      "Plain/Names",
		"tag empty":         "Plain/Stat",
		"tag quoted":        "Plain/Stat",
		"size is the tag":   "Plain/Writer/Overwrite",
		"put is not atomic": "Plain/Writer/FailedPut",
		"delete twice":      "Plain/Writer/Delete",
		"sees neighbours":   "Prefixed/Names",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestFaulty$/"+part, "-test.v")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if part == "" {
				if err != nil {
					t.Errorf("fails without a fault: %v\n%s", err, out)
				}
			} else if err == nil || !bytes.Contains(out, []byte("--- FAIL: TestFaulty/"+part+" ")) {
				t.Errorf("%s does not find the fault: %v\n%s", part, err, out)
			}
		})
	}
}

// TestFaulty runs the suite over the store with the fault that TestFaults asks
// for.
func TestFaulty(t *testing.T) {
	name := os.Getenv(faultVariable)
	if name == "" {
		t.Skip("run by TestFaults")
	}
	storagetest.Run(t, storagetest.Fill(func(testing.TB) storage.Store {
		return &faulty{memstore.New(memstore.Options{}), name}
	}), storagetest.Quirks{})
}

type faulty struct {
	*memstore.Store
	fault string
}

func (f *faulty) Stat(ctx context.Context, key string) (storage.Info, error) {
	switch f.fault {
	case "no context":
		ctx = context.Background()
	case "folders exist":
		for info := range f.Store.List(ctx, key+"/") {
			return info, nil
		}
	case "keys cleaned":
		key = strings.TrimPrefix(key, "/")
	}
	info, err := f.Store.Stat(ctx, key)
	if f.fault == "bare error" && err != nil {
		err = fs.ErrNotExist
	}
	return f.info(info), err
}

func (f *faulty) info(info storage.Info) storage.Info {
	switch f.fault {
	case "tag empty":
		info.Tag = ""
	case "tag quoted":
		info.Tag = `"` + info.Tag + `"`
	case "size is the tag":
		info.Tag = storage.ModTag(info.Size, info.ModTime.Truncate(1<<62))
	}
	return info
}

func (f *faulty) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	asked := r
	switch f.fault {
	case "range ignored":
		r = storage.Range{}
	case "short range":
		r.Length = max(r.Length-1, 0)
	case "context at open":
		if ctx.Err() == nil {
			ctx = context.WithoutCancel(ctx)
		}
	}
	rc, info, err := f.Store.Open(ctx, key, r)
	if f.fault == "size of range" && asked.Length > 0 {
		info.Size = min(info.Size, asked.Length)
	}
	if f.fault == "end is an error" && err == nil && r.Offset == info.Size && r.Offset > 0 {
		return nil, storage.Info{}, &fs.PathError{Op: "open", Path: key, Err: storage.ErrRange}
	}
	return rc, f.info(info), err
}

func (f *faulty) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		var infos []storage.Info
		asked := prefix
		if f.fault == "list of folder" || f.fault == "sees neighbours" && prefix != "" {
			prefix = prefix[:strings.LastIndexByte(prefix, '/')+1]
		}
		if f.fault == "sees neighbours" {
			prefix = strings.TrimSuffix(prefix, "/")
		}
		for info, err := range f.Store.List(ctx, prefix) {
			if err != nil {
				yield(storage.Info{}, err)
				return
			}
			if f.fault == "list not deep" && strings.Contains(info.Key[len(asked):], "/") {
				continue
			}
			infos = append(infos, f.info(info))
		}
		if f.fault == "unsorted" {
			slices.Reverse(infos)
		}
		for _, info := range infos {
			if ctx.Err() != nil && f.fault != "no context" {
				yield(storage.Info{}, &fs.PathError{Op: "list", Path: asked, Err: ctx.Err()})
				return
			}
			if !yield(info, nil) && f.fault != "list has no end" {
				return
			}
		}
		if ctx.Err() != nil && f.fault != "no context" {
			yield(storage.Info{}, &fs.PathError{Op: "list", Path: asked, Err: ctx.Err()})
		}
	}
}

func (f *faulty) Put(ctx context.Context, key string, body io.Reader, o storage.PutOptions) (storage.Info, error) {
	if f.fault == "names folded" {
		key = strings.ReplaceAll(key, "e\u0301", "\u00e9")
	}
	if f.fault == "put is not atomic" && storage.CheckKey("put", key) == nil {
		var got bytes.Buffer
		_, err := got.ReadFrom(body)
		if err == nil {
			err = ctx.Err()
		}
		info, perr := f.Store.Put(context.Background(), key, &got, o)
		if err != nil {
			return storage.Info{}, &fs.PathError{Op: "put", Path: key, Err: err}
		}
		return info, perr
	}
	info, err := f.Store.Put(ctx, key, body, o)
	return f.info(info), err
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	if f.fault == "delete twice" {
		if _, err := f.Store.Stat(ctx, key); err != nil {
			return err
		}
	}
	return f.Store.Delete(ctx, key)
}
