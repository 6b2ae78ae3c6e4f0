package index

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// A record is a book without its comments in a compact form of our own: it
// lives in memory only, is the input of the book's digest, and is decoded into
// a Book whose strings all share one copy of it.

// appendRecord appends b's record to dst. The same book gives the same bytes
// on every machine.
func appendRecord(dst []byte, b *catalog.Book) []byte {
	e := encoder{dst}
	e.int(int64(b.ID))
	e.str(b.UUID)
	e.str(b.Title)
	e.str(b.TitleSort)
	e.items(b.Authors)
	e.str(b.AuthorSort)
	e.item(b.Series)
	e.float(b.SeriesIdx)
	e.items(b.Tags)
	e.item(b.Publisher)
	e.items(b.Languages)
	e.float(b.Rating)
	e.int(int64(len(b.Identifiers)))
	for _, i := range b.Identifiers {
		e.str(i.Type)
		e.str(i.Value)
	}
	e.time(b.Published)
	e.time(b.Added)
	e.time(b.Modified)
	e.str(b.Path)
	e.int(int64(len(b.Formats)))
	for _, f := range b.Formats {
		e.str(f.Name)
		e.str(f.File)
		e.int(f.Size)
		e.str(f.Key)
	}
	e.str(b.Cover)
	e.int(int64(b.Pages))
	e.int(int64(len(b.Custom)))
	for i := range b.Custom {
		e.custom(&b.Custom[i])
	}
	return e.b
}

type encoder struct{ b []byte }

func (e *encoder) int(v int64) { e.b = binary.AppendVarint(e.b, v) }

func (e *encoder) str(s string) {
	e.b = binary.AppendUvarint(e.b, uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) float(v float64) {
	e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(v))
}

func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.int(math.MinInt64)
		return
	}
	e.int(t.Unix())
	e.int(int64(t.Nanosecond()))
}

func (e *encoder) items(v []catalog.Item) {
	e.int(int64(len(v)))
	for i := range v {
		e.item1(&v[i])
	}
}

func (e *encoder) item(v *catalog.Item) {
	if v == nil {
		e.int(0)
		return
	}
	e.int(1)
	e.item1(v)
}

func (e *encoder) item1(v *catalog.Item) {
	e.int(v.ID)
	e.str(v.Name)
	e.bool(v.Sort != v.Name)
	if v.Sort != v.Name {
		e.str(v.Sort)
	}
	e.str(v.Link)
}

func (e *encoder) custom(c *catalog.Custom) {
	e.items(c.Items)
	e.float(c.Index)
	e.float(c.Number)
	e.bool(c.Bool)
	e.bool(c.Set)
	e.time(c.Time)
	e.str(c.Text)
}

// decodeRecord is the inverse of appendRecord. The fields tell the custom
// columns' keys and types, which records leave out.
func decodeRecord(rec []byte, custom []catalog.Field) catalog.Book {
	d := decoder{s: string(rec)}
	var b catalog.Book
	b.ID = catalog.BookID(d.int())
	b.UUID = d.str()
	b.Title = d.str()
	b.TitleSort = d.str()
	b.Authors = d.items()
	b.AuthorSort = d.str()
	b.Series = d.item()
	b.SeriesIdx = d.float()
	b.Tags = d.items()
	b.Publisher = d.item()
	b.Languages = d.items()
	b.Rating = d.float()
	if n := d.int(); n > 0 {
		b.Identifiers = make([]catalog.Identifier, n)
		for i := range b.Identifiers {
			b.Identifiers[i] = catalog.Identifier{Type: d.str(), Value: d.str()}
		}
	}
	b.Published = d.time()
	b.Added = d.time()
	b.Modified = d.time()
	b.Path = d.str()
	if n := d.int(); n > 0 {
		b.Formats = make([]catalog.Format, n)
		for i := range b.Formats {
			b.Formats[i] = catalog.Format{Name: d.str(), File: d.str(), Size: d.int(), Key: d.str()}
		}
	}
	b.Cover = d.str()
	b.Pages = int(d.int())
	if n := d.int(); n > 0 {
		b.Custom = make([]catalog.Custom, n)
		for i := range b.Custom {
			d.custom(&b.Custom[i], &custom[i])
		}
	}
	return b
}

// decoder reads what encoder wrote. It trusts its input, which never left the
// process.
type decoder struct {
	s string
	i int
}

func (d *decoder) uint() uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		c := d.s[d.i]
		d.i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
}

func (d *decoder) int() int64 {
	u := d.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) str() string {
	n := int(d.uint())
	s := d.s[d.i : d.i+n]
	d.i += n
	return s
}

func (d *decoder) bool() bool {
	d.i++
	return d.s[d.i-1] != 0
}

func (d *decoder) float() float64 {
	var v uint64
	for k := range 8 {
		v |= uint64(d.s[d.i+k]) << (8 * k)
	}
	d.i += 8
	return math.Float64frombits(v)
}

func (d *decoder) time() time.Time {
	sec := d.int()
	if sec == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(sec, d.int()).UTC()
}

func (d *decoder) items() []catalog.Item {
	n := d.int()
	if n == 0 {
		return nil
	}
	v := make([]catalog.Item, n)
	for i := range v {
		d.item1(&v[i])
	}
	return v
}

func (d *decoder) item() *catalog.Item {
	if d.int() == 0 {
		return nil
	}
	v := new(catalog.Item)
	d.item1(v)
	return v
}

func (d *decoder) item1(v *catalog.Item) {
	v.ID = d.int()
	v.Name = d.str()
	v.Sort = v.Name
	if d.bool() {
		v.Sort = d.str()
	}
	v.Link = d.str()
}

func (d *decoder) custom(c *catalog.Custom, f *catalog.Field) {
	c.Key, c.Type, c.Multiple = f.Key, f.Type, f.Multiple
	c.Items = d.items()
	c.Index = d.float()
	c.Number = d.float()
	c.Bool = d.bool()
	c.Set = d.bool()
	c.Time = d.time()
	c.Text = d.str()
}
