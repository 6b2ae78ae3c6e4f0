package httpapi

// MediaType returns the media type of a book's format ("EPUB").
func MediaType(format string) string {
	switch lower(format) {
	case "epub", "kepub":
		return "application/epub+zip"
	case "pdf":
		return "application/pdf"
	case "mobi", "prc", "azw", "azw1":
		return "application/x-mobipocket-ebook"
	case "azw3", "kf8":
		return "application/vnd.amazon.mobi8-ebook"
	case "azw4", "kfx", "kfx-zip":
		return "application/vnd.amazon.ebook"
	case "cbz":
		return "application/vnd.comicbook+zip"
	case "cbr":
		return "application/vnd.comicbook-rar"
	case "cb7":
		return "application/x-cb7"
	case "djvu", "djv":
		return "image/vnd.djvu"
	case "fb2":
		return "application/x-fictionbook+xml"
	case "fbz":
		return "application/x-zip-compressed-fb2"
	case "txt", "text", "pml":
		return "text/plain; charset=utf-8"
	case "md", "markdown":
		return "text/markdown; charset=utf-8"
	case "htm", "html":
		return "text/html; charset=utf-8"
	case "xhtm", "xhtml":
		return "application/xhtml+xml"
	case "rtf":
		return "application/rtf"
	case "doc":
		return "application/msword"
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "odt":
		return "application/vnd.oasis.opendocument.text"
	case "lit":
		return "application/x-ms-reader"
	case "lrf":
		return "application/x-sony-bbeb"
	case "pdb":
		return "application/vnd.palm"
	case "chm":
		return "application/vnd.ms-htmlhelp"
	case "zip", "htmlz", "txtz":
		return "application/zip"
	case "rar":
		return "application/vnd.rar"
	case "mp3":
		return "audio/mpeg"
	case "m4b", "m4a":
		return "audio/mp4"
	case "opus", "ogg":
		return "audio/ogg"
	case "flac":
		return "audio/flac"
	}
	return "application/octet-stream"
}
