package drivetest

import (
	"cmp"
	"encoding/base64"
	"hash/fnv"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/drive/v3"
)

// get answers files.get without alt=media.
func (d *Drive) get(id string, q url.Values) (object, error) {
	m, err := fields(q, reflect.TypeFor[drive.File](), defaultFields)
	if err != nil {
		return nil, err
	}
	v, err := d.lookup(id, q)
	if err != nil {
		return nil, err
	}
	return v.object(m), nil
}

// lookup finds a file that the request may see.
func (d *Drive) lookup(id string, q url.Values) (view, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	f := d.files[d.alias(id)]
	if f == nil || d.hidden(f) || d.sharedDrive(f) != "" && !supportsDrives(q) {
		return view{}, notFound(id)
	}
	return d.view(f), nil
}

// hidden reports whether a file is not there for the client.
func (d *Drive) hidden(f *file) bool {
	for ; f != nil; f = d.files[f.parent] {
		if f.forbidden == "notFound" {
			return true
		}
	}
	return false
}

func isTrue(q url.Values, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return q.Get(name) == "true" })
}

func supportsDrives(q url.Values) bool {
	return isTrue(q, "supportsAllDrives", "supportsTeamDrives")
}

func includesDrives(q url.Values) bool {
	return supportsDrives(q) && isTrue(q, "includeItemsFromAllDrives", "includeTeamDriveItems")
}

func fields(q url.Values, t reflect.Type, usual mask) (mask, error) {
	if !q.Has("fields") {
		return usual, nil
	}
	m, err := parseFields(q.Get("fields"), t)
	if err != nil {
		return mask{}, badParameter("fields", "invalidParameter", err.Error())
	}
	return m, nil
}

// pageSize returns how long a page is. Too large ones are cut, as the API's
// description says since 2025.
func (d *Drive) pageSize(q url.Values) (int, error) {
	if !q.Has("pageSize") {
		return min(defaultPage, d.o.MaxPage), nil
	}
	n, err := strconv.Atoi(q.Get("pageSize"))
	if err != nil || n < 1 {
		return 0, badParameter("pageSize", "invalidParameter",
			"Invalid value '"+q.Get("pageSize")+"'. Values must be within the range: [1, 1000]")
	}
	return min(n, d.o.MaxPage), nil
}

// listing is a request of files.list.
type listing struct {
	expr   expr
	order  []sortKey
	size   int
	after  int // the seq of the last file of the page before, or -1
	fields mask
	sum    string // of what must be the same for all pages
	drive  string // only that shared drive
	shared bool   // shared drives, too
}

func (d *Drive) listing(q url.Values) (l listing, err error) {
	if l.fields, err = fields(q, reflect.TypeFor[drive.FileList](),
		some("kind", "incompleteSearch", "nextPageToken").with("files", defaultFields)); err != nil {
		return l, err
	}
	if l.size, err = d.pageSize(q); err != nil {
		return l, err
	}
	if l.expr, err = parseQuery(q.Get("q")); err != nil {
		return l, invalid("q")
	}
	var ok bool
	if l.order, ok = parseOrder(q.Get("orderBy")); !ok {
		return l, invalid("orderBy")
	}
	if l.drive, err = d.driveOf(q); err != nil {
		return l, err
	}
	l.shared = includesDrives(q)
	h := fnv.New64a()
	for _, name := range []string{"q", "orderBy", "driveId", "corpora"} {
		h.Write([]byte(q.Get(name) + "\x00"))
	}
	l.sum = strconv.FormatUint(h.Sum64(), 36)
	if l.after, ok = l.parseToken(q.Get("pageToken")); !ok {
		return l, invalid("pageToken")
	}
	return l, nil
}

// driveOf returns the shared drive that a request of files.list is limited to.
func (d *Drive) driveOf(q url.Values) (string, error) {
	id, corpora := cmp.Or(q.Get("driveId"), q.Get("teamDriveId")), q.Get("corpora")
	switch corpora {
	case "", "user", "domain", "allDrives":
		if id != "" {
			return "", badParameter("corpora", "invalid", "The driveId parameter must be specified if and only if corpora is set to drive.")
		}
		return "", nil
	case "drive":
		if id == "" {
			return "", badParameter("driveId", "invalid", "The driveId parameter must be specified if and only if corpora is set to drive.")
		}
		return id, d.checkDrive(id)
	}
	return "", invalid("corpora")
}

func (d *Drive) checkDrive(id string) error {
	if id == "" || id == d.team {
		return nil
	}
	return &failure{
		status: http.StatusNotFound, reason: "notFound", message: "Shared drive not found: " + id,
		location: "driveId", locationType: "parameter",
	}
}

// Page tokens say after which file to go on, and for what list.

func (l listing) token(last *file) string {
	return base64.URLEncoding.EncodeToString([]byte("~!!~" + strconv.Itoa(last.seq) + "." + l.sum))
}

func (l listing) parseToken(s string) (after int, ok bool) {
	if s == "" {
		return -1, true
	}
	raw, err := base64.URLEncoding.DecodeString(s)
	rest, found := strings.CutPrefix(string(raw), "~!!~")
	seq, sum, _ := strings.Cut(rest, ".")
	after, bad := strconv.Atoi(seq)
	return after, err == nil && found && bad == nil && after >= 0 && sum == l.sum
}

// list answers files.list.
func (d *Drive) list(q url.Values, incomplete bool) (object, error) {
	l, err := d.listing(q)
	if err != nil {
		return nil, err
	}
	views, next, err := d.page(l)
	if err != nil {
		return nil, err
	}
	files := make([]object, len(views))
	for i, v := range views {
		files[i] = v.object(l.fields.of("files"))
	}
	o := object{"kind": "drive#fileList", "incompleteSearch": incomplete, "files": files}
	if next != "" {
		o["nextPageToken"] = next
	}
	return selected(o, l.fields), nil
}

// page finds what a page shows.
func (d *Drive) page(l listing) (views []view, next string, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, id := range named(l.expr) {
		if f := d.files[d.alias(id)]; f == nil || d.hidden(f) || d.sharedDrive(f) != "" && !l.shared {
			return nil, "", notFound("") // the real one does not say which, either
		}
	}
	found := d.candidates(l)
	if len(l.order) > 0 {
		found = slices.DeleteFunc(found, func(f *file) bool { return !d.listed(l, f) })
		slices.SortStableFunc(found, func(a, b *file) int { return compare(l.order, a, b) })
		if l.after >= 0 {
			i := slices.IndexFunc(found, func(f *file) bool { return f.seq == l.after })
			if i < 0 {
				return nil, "", invalid("pageToken") // it is gone, and with it the place
			}
			found = found[i+1:]
		}
	}
	for _, f := range found {
		if len(l.order) == 0 && !d.listed(l, f) {
			continue
		}
		if len(views) == l.size {
			return views, l.token(d.order[views[len(views)-1].seq]), nil
		}
		views = append(views, d.view(f))
	}
	return views, "", nil
}

// candidates returns files by seq, among which are those that match. If there is an
// order the caller may change the slice.
func (d *Drive) candidates(l listing) []*file {
	ids, ok := l.expr.parents()
	switch {
	case !ok && len(l.order) > 0:
		return slices.Clone(d.order)
	case !ok:
		return d.order[min(l.after+1, len(d.order)):]
	}
	var found []*file
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		found = append(found, d.kids[d.alias(id)]...)
	}
	slices.SortFunc(found, func(a, b *file) int { return cmp.Compare(a.seq, b.seq) })
	found = slices.Compact(found) // "root" is another name for an id
	if len(l.order) == 0 {
		i, _ := slices.BinarySearchFunc(found, l.after+1, func(f *file, seq int) int { return cmp.Compare(f.seq, seq) })
		found = found[i:]
	}
	return found
}

func (d *Drive) listed(l listing, f *file) bool {
	if f == nil || f.id == d.own || f.id == d.team || d.hidden(f) || !l.expr.matches(d, f) {
		return false
	}
	in := d.sharedDrive(f)
	return (in == "" || l.shared) && (l.drive == "" || in == l.drive)
}

// sortKey is a part of orderBy.
type sortKey struct {
	compare func(a, b *file) int
	desc    bool
}

func parseOrder(s string) (keys []sortKey, ok bool) {
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	for part := range strings.SplitSeq(s, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "desc" {
			return nil, false
		}
		var k sortKey
		switch k.desc = len(words) == 2; words[0] {
		case "name", "name_natural":
			k.compare = func(a, b *file) int {
				return cmp.Or(cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name))
			}
		case "modifiedTime", "recency":
			k.compare = func(a, b *file) int { return a.modified.Compare(b.modified) }
		case "createdTime":
			k.compare = func(a, b *file) int { return a.created.Compare(b.created) }
		case "folder":
			k.compare = func(a, b *file) int { return cmp.Compare(rank(a), rank(b)) }
		case "quotaBytesUsed":
			k.compare = func(a, b *file) int { return cmp.Compare(a.bytes(), b.bytes()) }
		case "modifiedByMeTime", "sharedWithMeTime", "starred", "viewedByMeTime":
			k.compare = func(_, _ *file) int { return 0 } // nothing has them
		default:
			return nil, false
		}
		keys = append(keys, k)
	}
	return keys, true
}

func rank(f *file) int {
	if f.mime == mimeFolder {
		return 0
	}
	return 1
}

func (f *file) bytes() int64 {
	if f.content == nil {
		return 0
	}
	return f.content.size
}

func compare(keys []sortKey, a, b *file) int {
	for _, k := range keys {
		if c := k.compare(a, b); c != 0 {
			if k.desc {
				return -c
			}
			return c
		}
	}
	return 0
}
