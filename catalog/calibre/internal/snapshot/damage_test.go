package snapshot

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDamaged(t *testing.T) {
	path := library(t, 200)
	d := openTestDir(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(whole)
		copy(c[at:], b)
		return c
	}
	for name, test := range map[string]struct {
		content []byte
		says    string
	}{
		"empty":                   {nil, "empty (0 bytes)"},
		"short":                   {[]byte("SQL"), "expected a header of 100 bytes, found 3"},
		"other":                   {[]byte("PK\x03\x04" + strings.Repeat("x", 5000)), `found "PK`},
		"only a header":           {whole[:100], "truncated: expected"},
		"truncated":               {whole[:len(whole)/2], "truncated: expected"},
		"cut in a page":           {whole[:len(whole)-1], "truncated: expected"},
		"page size":               {change(16, 0, 3), "page size"},
		"a page of noise":         {change(3*4096, bytes.Repeat([]byte{0xa5}, 4096)...), "malformed"},
		"free pages that are not": {change(36, 0, 0, 0, 9), "quick_check: "},
		"schema of noise":         {change(100, bytes.Repeat([]byte{0xa5}, 3996)...), "malformed"},
		"uncounted pages":         {append(change(92, 0, 0, 0, 0), 1), "expected pages of 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "metadata.db")
			if err := os.WriteFile(bad, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			untouched(t, bad)
			_, err := takeAndCheck(t.Context(), d, bad, Options{Wait: -1})
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("expected ErrDamaged about %q, got %v", test.says, err)
			}
		})
	}
	if _, err := d.Take(t.Context(), filepath.Dir(path), Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("folder: %v", err)
	}
	if _, err := d.Take(t.Context(), path+"x", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// SQLite may extend a file ahead of need, and Calibre opens such a file.
func TestLongerThanCounted(t *testing.T) {
	path := library(t, 50)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 3*4096)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := takeAndCheck(t.Context(), openTestDir(t), path, Options{}); err != nil {
		t.Error(err)
	}
}

// Calibre registers tokenizers that are not here. The full-text tables that use
// them are not read, and must not make a library look damaged.
func TestForeignTokenizer(t *testing.T) {
	path := library(t, 50)
	run(t, path,
		"CREATE TABLE annotations(id INTEGER PRIMARY KEY, searchable_text TEXT)",
		"CREATE VIRTUAL TABLE annotations_fts USING fts5(searchable_text, content='annotations', content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
		"INSERT INTO annotations VALUES(1, 'one two')",
		"INSERT INTO annotations_fts(rowid, searchable_text) VALUES(1, 'three four')", // as another tokenizer would
		"PRAGMA writable_schema=ON",
		"UPDATE sqlite_schema SET sql = replace(sql, 'unicode61 remove_diacritics 2', 'calibre_icu') WHERE name = 'annotations_fts'")
	if _, err := takeAndCheck(t.Context(), openTestDir(t), path, Options{}); err != nil {
		t.Error(err)
	}
}
