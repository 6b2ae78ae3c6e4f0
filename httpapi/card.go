package httpapi

import (
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// BookEncoder returns a function that appends a book as lists show it: the
// JSON object of API.md without comments. library is the Library's Name,
// prefix is Options.Prefix.
//
// Give it to an index that keeps its books encoded ([catalog.Appender]): pages
// are then put together from bytes that exist, which is most of what makes
// them fast. What it appends must be what this package would, so library and
// prefix must be those that the API is made with.
func BookEncoder(library, prefix string) func(dst []byte, b *catalog.Book) []byte {
	e := encoder{library: library, prefix: prefix}
	return func(dst []byte, b *catalog.Book) []byte { return e.book(dst, b, nil) }
}

// encoder writes books of one library as JSON, without reflection.
type encoder struct{ library, prefix string }

// book appends b. sanitize makes HTML safe to show; nil leaves out what holds
// HTML: comments_html and custom columns of type comments.
func (e *encoder) book(dst []byte, b *catalog.Book, sanitize func(string) string) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, int64(b.ID), 10)
	dst = append(dst, `,"uuid":`...)
	dst = appendOptional(dst, b.UUID)
	dst = append(dst, `,"library":`...)
	dst = appendString(dst, e.library)
	dst = append(dst, `,"title":`...)
	dst = appendString(dst, b.Title)
	dst = append(dst, `,"title_sort":`...)
	dst = appendOptional(dst, b.TitleSort)
	dst = append(dst, `,"authors":[`...)
	for i := range b.Authors {
		dst = comma(dst, i)
		dst = append(dst, `{"id":`...)
		dst = strconv.AppendInt(dst, b.Authors[i].ID, 10)
		dst = append(dst, `,"name":`...)
		dst = appendString(dst, b.Authors[i].Name)
		dst = append(dst, `,"sort":`...)
		dst = appendOptional(dst, b.Authors[i].Sort)
		dst = append(dst, `,"link":`...)
		dst = appendOptional(dst, b.Authors[i].Link)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"author_sort":`...)
	dst = appendOptional(dst, b.AuthorSort)
	dst = append(dst, `,"series":`...)
	if b.Series == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"id":`...)
		dst = strconv.AppendInt(dst, b.Series.ID, 10)
		dst = append(dst, `,"name":`...)
		dst = appendString(dst, b.Series.Name)
		dst = append(dst, `,"index":`...)
		dst = appendFloat(dst, b.SeriesIdx)
		dst = append(dst, '}')
	}
	dst = append(dst, `,"tags":`...)
	dst = appendNames(dst, b.Tags)
	dst = append(dst, `,"languages":`...)
	dst = appendNames(dst, b.Languages)
	dst = append(dst, `,"publisher":`...)
	if b.Publisher == nil {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, b.Publisher.Name)
	}
	dst = append(dst, `,"rating":`...)
	if b.Rating == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = appendFloat(dst, b.Rating)
	}
	dst = append(dst, `,"identifiers":{`...)
	for i, id := range b.Identifiers {
		dst = comma(dst, i)
		dst = appendString(dst, id.Type)
		dst = append(dst, ':')
		dst = appendString(dst, id.Value)
	}
	dst = append(dst, `},"published":`...)
	dst = appendTime(dst, b.Published)
	dst = append(dst, `,"added":`...)
	dst = appendTime(dst, b.Added)
	dst = append(dst, `,"modified":`...)
	dst = appendTime(dst, b.Modified)
	if sanitize != nil {
		dst = append(dst, `,"comments_html":`...)
		dst = appendOptional(dst, sanitize(b.Comments))
	}
	dst = e.files(dst, b)
	dst = append(dst, `,"pages":`...)
	if b.Pages == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, int64(b.Pages), 10)
	}
	dst = append(dst, `,"custom":{`...)
	first := true
	for i := range b.Custom {
		c := &b.Custom[i]
		if c.Type == catalog.TypeComments && sanitize == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendCustom(dst, c, sanitize)
	}
	return append(dst, "}}"...)
}

// files appends cover and formats with their addresses.
func (e *encoder) files(dst []byte, b *catalog.Book) []byte {
	dst = append(dst, `,"cover":`...)
	if b.Cover == "" {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"url":"`...)
		dst = appendCoverURL(dst, e.prefix, e.library, b)
		dst = append(dst, `","width":null,"height":null}`...)
	}
	dst = append(dst, `,"formats":[`...)
	for i := range b.Formats {
		f := &b.Formats[i]
		dst = comma(dst, i)
		dst = append(dst, `{"format":`...)
		dst = appendString(dst, f.Name)
		dst = append(dst, `,"size":`...)
		dst = strconv.AppendInt(dst, f.Size, 10)
		dst = append(dst, `,"media_type":`...)
		dst = appendString(dst, MediaType(f.Name))
		dst = append(dst, `,"url":"`...)
		dst = appendDownloadURL(dst, e.prefix, e.library, b.ID, f.Name)
		dst = append(dst, `"}`...)
	}
	return append(dst, ']')
}

func appendNames(dst []byte, items []catalog.Item) []byte {
	dst = append(dst, '[')
	for i := range items {
		dst = comma(dst, i)
		dst = appendString(dst, items[i].Name)
	}
	return append(dst, ']')
}

// appendCustom appends "#key":{…}, the value of one custom column.
func appendCustom(dst []byte, c *catalog.Custom, sanitize func(string) string) []byte {
	dst = appendString(dst, string(c.Key))
	dst = append(dst, `:{"type":`...)
	dst = appendString(dst, string(c.Type))
	dst = append(dst, `,"multiple":`...)
	dst = appendBool(dst, c.Multiple)
	dst = append(dst, `,"value":`...)
	switch c.Type {
	case catalog.TypeText, catalog.TypeEnumeration, catalog.TypeSeries:
		switch {
		case c.Multiple:
			dst = appendNames(dst, c.Items)
		case len(c.Items) == 0:
			dst = append(dst, "null"...)
		default:
			dst = appendString(dst, c.Items[0].Name)
		}
		if c.Type == catalog.TypeSeries {
			dst = append(dst, `,"index":`...)
			if len(c.Items) == 0 {
				dst = append(dst, "null"...)
			} else {
				dst = appendFloat(dst, c.Index)
			}
		}
	case catalog.TypeDatetime:
		dst = appendTime(dst, c.Time)
	case catalog.TypeComments:
		dst = appendOptional(dst, sanitize(c.Text))
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeRating, catalog.TypeBool:
		switch {
		case !c.Set:
			dst = append(dst, "null"...)
		case c.Type == catalog.TypeBool:
			dst = appendBool(dst, c.Bool)
		case c.Type == catalog.TypeInt:
			dst = strconv.AppendInt(dst, int64(c.Number), 10)
		default:
			dst = appendFloat(dst, c.Number)
		}
	default: // a type that Calibre may add
		dst = append(dst, "null"...)
	}
	return append(dst, '}')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
