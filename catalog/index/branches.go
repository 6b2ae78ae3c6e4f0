package index

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// branch is a level right below another one, and what is under it.
type branch struct {
	catalog.Branch
	sortKey string
	terms   []uint32 // the level itself and all below it
	own     []uint32 // the level itself, in its spellings
}

// Branches implements catalog.Browser. Levels that differ in case only are one,
// as in Calibre's tag browser.
func (ix *Index) Branches(ctx context.Context, f catalog.FieldKey, q catalog.BranchQuery) (catalog.Page[catalog.Branch], error) {
	defer runtime.KeepAlive(ix)
	var page catalog.Page[catalog.Branch]
	c, err := ix.termsOf(f)
	if err != nil {
		return page, err
	}
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return page, err
	}
	after, err := branchKey(q.After)
	if err != nil {
		return page, err
	}
	set, err := ix.eval(ctx, q.Where)
	if err != nil {
		return page, err
	}
	shown := c.listed
	if q.Where != nil { // names of levels come from books that count alone
		counts := tally(c, set)
		shown = slices.DeleteFunc(slices.Clone(shown), func(t uint32) bool { return counts[t] == 0 })
	}
	last := ""
	for _, b := range c.below(shown, q.Parent) {
		if q.Where == nil {
			b.Count = int(termSet(c, b.terms).GetCardinality())
			b.Own = int(termSet(c, b.own).GetCardinality())
		} else {
			b.Count = int(termSet(c, b.terms).AndCardinality(set))
			b.Own = int(termSet(c, b.own).AndCardinality(set))
		}
		if b.Count == 0 {
			continue
		}
		page.Total++
		switch {
		case b.sortKey <= after:
		case len(page.Items) < limit:
			page.Items = append(page.Items, b.Branch)
			last = b.sortKey
		default:
			page.Next = branchCursor(last)
		}
	}
	return page, nil
}

// levels are the parts of a value between its dots. A value that has no parts
// is a level of its own.
func levels(value string) []string {
	if strings.IndexByte(value, '.') < 0 {
		return []string{value}
	}
	parts := strings.Split(value, ".")
	kept := parts[:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return []string{value}
	}
	return kept
}

// below returns the levels right below parent that the terms name, as they
// sort.
func (c *termColumn) below(terms []uint32, parent string) []*branch {
	fold := newFolder()
	var above []string
	if parent != "" {
		above = levels(fold.lower(parent))
	}
	coll := newCollator()
	byName := map[string]*branch{}
	var list []*branch
	for _, t := range terms {
		value := levels(c.list[t].Name)
		if len(value) <= len(above) {
			continue
		}
		if !slices.EqualFunc(above, value[:len(above)], func(a, b string) bool { return a == fold.lower(b) }) {
			continue
		}
		name := value[len(above)]
		b := byName[fold.lower(name)]
		if b == nil {
			b = &branch{sortKey: string(coll.key(name)) + "\x00" + fold.lower(name)}
			b.Name, b.Value = name, strings.Join(value[:len(above)+1], ".")
			byName[fold.lower(name)] = b
			list = append(list, b)
		}
		b.terms = append(b.terms, t)
		if len(value) == len(above)+1 {
			b.own = append(b.own, t)
		} else {
			b.More = true
		}
	}
	slices.SortFunc(list, func(a, b *branch) int { return strings.Compare(a.sortKey, b.sortKey) })
	return list
}

// A cursor among branches holds the sort key of the last one.

func branchCursor(key string) catalog.Cursor {
	b := make([]byte, 5, 5+len(key))
	b[0] = branchCursorVersion
	b = append(b, key...)
	binary.BigEndian.PutUint32(b[1:5], crc32.ChecksumIEEE(b[5:]))
	return catalog.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

func branchKey(c catalog.Cursor) (string, error) {
	if c == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) < 5 || b[0] != branchCursorVersion || binary.BigEndian.Uint32(b[1:5]) != crc32.ChecksumIEEE(b[5:]) {
		return "", catalog.Invalid("cursor", "", "not a cursor that this server gave; take next_cursor of the page before")
	}
	return string(b[5:]), nil
}
