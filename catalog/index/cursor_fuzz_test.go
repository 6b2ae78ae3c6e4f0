package index_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// FuzzCursor gives cursors that pass the checksum and hold anything. They are
// refused as invalid or name some place; nothing else may happen.
func FuzzCursor(f *testing.F) {
	ix := build(f, "", randomBooks(rand.New(rand.NewPCG(7, 8)), 60))
	var sorts []catalog.SortKey
	for _, field := range fields() {
		if field.Sortable {
			sorts = append(sorts, catalog.SortKey{Field: field.Key}, catalog.SortKey{Field: field.Key, Desc: true})
		}
	}
	for i, s := range sorts {
		page, err := ix.Books(f.Context(), catalog.Query{Sort: []catalog.SortKey{s}, Limit: 30})
		if err != nil {
			f.Fatal(err)
		}
		b, err := base64.RawURLEncoding.DecodeString(string(page.Next))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	terms, err := ix.Terms(f.Context(), catalog.FieldTags, catalog.TermQuery{Limit: 2})
	if err != nil {
		f.Fatal(err)
	}
	b, err := base64.RawURLEncoding.DecodeString(string(terms.Next))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), b)

	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		if len(raw) >= 5 {
			raw = append([]byte(nil), raw...)
			binary.BigEndian.PutUint32(raw[1:5], crc32.ChecksumIEEE(raw[5:]))
		}
		c := catalog.Cursor(base64.RawURLEncoding.EncodeToString(raw))
		if c == "" {
			return
		}
		var bad *catalog.InvalidError
		sort := []catalog.SortKey{sorts[int(which)%len(sorts)]}
		page, err := ix.Books(t.Context(), catalog.Query{Sort: sort, After: c, Limit: 10})
		if err != nil && (!errors.As(err, &bad) || bad.Part != "cursor") || len(page.Items) > 10 {
			t.Errorf("sort %v: %d books, %v", sort, len(page.Items), err)
		}
		q := catalog.TermQuery{After: c, Limit: 10, ByCount: which&1 > 0, Desc: which&2 > 0}
		found, err := ix.Terms(t.Context(), catalog.FieldTags, q)
		if err != nil && (!errors.As(err, &bad) || bad.Part != "cursor") || len(found.Items) > 10 {
			t.Errorf("%+v: %d terms, %v", q, len(found.Items), err)
		}
	})
}
