package drivetest

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// object is one of JSON.
type object = map[string]any

// view is a file as it was at a moment, with what depends on other files.
type view struct {
	file
	inTrash    bool
	parentSeen bool   // the parent exists
	drive      string // the shared drive that it is in
	targetMime string
}

// The following are called with Drive.mu held.

func (d *Drive) view(f *file) view {
	v := view{file: *f, inTrash: d.isTrashed(f), drive: d.sharedDrive(f)}
	_, v.parentSeen = d.files[f.parent]
	if target := d.files[f.target]; target != nil {
		v.targetMime = target.mime
	}
	return v
}

// alias returns the id for one that a request names.
func (d *Drive) alias(id string) string {
	if id == "root" {
		return d.own
	}
	return id
}

func (d *Drive) isTrashed(f *file) bool {
	for ; f != nil; f = d.files[f.parent] {
		if f.trashed {
			return true
		}
	}
	return false
}

// sharedDrive returns the id of the shared drive that f is in, or "".
func (d *Drive) sharedDrive(f *file) string {
	for d.team != "" && f != nil {
		if f.id == d.team {
			return d.team
		}
		f = d.files[f.parent]
	}
	return ""
}

// fileFields are the fields that files have here. Others of the real API, such as
// permissions and thumbnails, may be asked for, and are never there.
var fileFields = [...]string{
	"kind", "id", "name", "mimeType", "parents", "trashed", "explicitlyTrashed", "starred",
	"createdTime", "modifiedTime", "version", "driveId", "teamDriveId", "spaces", "capabilities",
	"size", "quotaBytesUsed", "md5Checksum", "sha1Checksum", "sha256Checksum", "headRevisionId",
	"originalFilename", "fileExtension", "fullFileExtension", "shortcutDetails",
}

var defaultFields = some("kind", "id", "name", "mimeType")

// object returns the fields that are wanted. It may take as long as reading the
// file, if a digest is.
func (v view) object(m mask) object {
	o := make(object)
	for _, name := range fileFields {
		if m.has(name) {
			if value := v.field(name, m.of(name)); value != nil {
				o[name] = value
			}
		}
	}
	return o
}

func (v view) field(name string, sub mask) any {
	switch name {
	case "kind":
		return "drive#file"
	case "id":
		return v.id
	case "name":
		return v.name
	case "mimeType":
		return v.mime
	case "parents":
		if v.parentSeen {
			return []string{v.parent}
		}
	case "trashed":
		return v.inTrash
	case "explicitlyTrashed":
		return v.trashed
	case "starred":
		return false
	case "createdTime":
		return timestamp(v.created)
	case "modifiedTime":
		return timestamp(v.modified)
	case "version":
		return strconv.FormatInt(v.version, 10)
	case "driveId", "teamDriveId":
		if v.drive != "" {
			return v.drive
		}
	case "spaces":
		return []string{"drive"}
	case "capabilities":
		return selected(object{"canDownload": v.content != nil && v.forbidden == ""}, sub)
	case "shortcutDetails":
		if v.mime == mimeShortcut {
			details := object{"targetId": v.target}
			if v.targetMime != "" {
				details["targetMimeType"] = v.targetMime
			}
			return selected(details, sub)
		}
	case "size", "quotaBytesUsed":
		switch {
		case v.content != nil:
			return strconv.FormatInt(v.content.size, 10)
		case v.mime == mimeDocument:
			return "1024"
		case name == "quotaBytesUsed":
			return "0"
		}
	default:
		if v.content != nil {
			return v.contentField(name)
		}
	}
	return nil
}

func (v view) contentField(name string) any {
	switch name {
	case "md5Checksum":
		return v.content.md5()
	case "sha1Checksum":
		return v.content.sha1()
	case "sha256Checksum":
		return v.content.sha256()
	case "headRevisionId":
		return v.revision
	case "originalFilename":
		return v.name
	case "fileExtension", "fullFileExtension":
		return strings.TrimPrefix(path.Ext(v.name), ".")
	}
	return nil
}

func selected(o object, m mask) object {
	for name := range o {
		if !m.has(name) {
			delete(o, name)
		}
	}
	return o
}

func timestamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }
