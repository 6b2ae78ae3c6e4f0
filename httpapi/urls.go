package httpapi

import (
	"net/url"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// coverURL appends the address of a book's cover. v changes whenever Calibre
// touches the book, and with it the cover.
func appendCoverURL(dst []byte, prefix, library string, b *catalog.Book) []byte {
	dst = append(dst, prefix...)
	dst = append(dst, "/api/files/cover/"...)
	dst = strconv.AppendInt(dst, int64(b.ID), 10)
	dst = append(dst, "?library="...)
	dst = append(dst, library...)
	dst = append(dst, "&v="...)
	return strconv.AppendInt(dst, b.Modified.UnixMicro(), 36)
}

// appendDownloadURL appends the address of one of a book's files.
func appendDownloadURL(dst []byte, prefix, library string, id catalog.BookID, format string) []byte {
	dst = append(dst, prefix...)
	dst = append(dst, "/api/files/download/"...)
	dst = strconv.AppendInt(dst, int64(id), 10)
	dst = append(dst, '/')
	dst = append(dst, url.PathEscape(lower(format))...)
	dst = append(dst, "?library="...)
	return append(dst, library...)
}

// lower is strings.ToLower for ASCII, which format names are.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
