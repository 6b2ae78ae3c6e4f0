package httpapi

import "strings"

// sanitize makes HTML from a library safe to show. What is harmless as it
// stands passes byte for byte, without the parser, which costs more than
// everything else about a book.
func (a *API) sanitize(html string) string {
	if harmless(html) {
		return html
	}
	return a.policy.Sanitize(html)
}

// harmless says whether the only markup in html is plain tags without
// attributes, which can do nothing but look like something. It may be wrong
// about harmless markup, never about other.
func harmless(html string) bool {
	for {
		i := strings.IndexByte(html, '<')
		if i < 0 {
			return true
		}
		html = html[i+1:]
		end := strings.IndexByte(html, '>')
		if end < 0 || end > len("/blockquote") {
			return false
		}
		name := strings.TrimPrefix(html[:end], "/")
		if name == "br/" || name == "br /" {
			name = "br"
		}
		if !plainTag(name) {
			return false
		}
		html = html[end+1:]
	}
}

// plainTag lists what Calibre's editor and most sources of metadata write.
func plainTag(name string) bool {
	switch name {
	case "p", "div", "br", "b", "i", "u", "em", "strong", "span", "blockquote", "ul", "ol", "li",
		"h1", "h2", "h3", "h4", "h5", "h6", "hr", "sub", "sup", "pre", "code", "s", "small":
		return true
	}
	return false
}
