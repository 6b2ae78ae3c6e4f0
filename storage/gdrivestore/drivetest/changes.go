package drivetest

import (
	"cmp"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"google.golang.org/api/drive/v3"
)

// change is an entry of the log. Only the last of each file is told.
type change struct {
	id      string
	time    time.Time
	removed bool
	drive   string // the shared drive, if it was removed from one
}

// firstChange is the token of the first entry. Real ones are not small, either.
const firstChange = 1000

// changed is called with mu held, after each change of f.
func (d *Drive) changed(f *file) {
	f.version++
	d.record(change{id: f.id})
}

// removed is called with mu held, before f is gone.
func (d *Drive) removed(f *file) { d.record(change{id: f.id, removed: true, drive: d.sharedDrive(f)}) }

func (d *Drive) record(c change) {
	c.time = d.now()
	d.latest[c.id] = len(d.log)
	d.log = append(d.log, c)
}

// startPageToken answers changes.getStartPageToken.
func (d *Drive) startPageToken(q url.Values) (object, error) {
	m, err := fields(q, reflect.TypeFor[drive.StartPageToken](), mask{all: true})
	if err != nil {
		return nil, err
	}
	if err := d.checkDrive(cmp.Or(q.Get("driveId"), q.Get("teamDriveId"))); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return selected(object{"kind": "drive#startPageToken", "startPageToken": changeToken(len(d.log))}, m), nil
}

func changeToken(i int) string { return strconv.Itoa(firstChange + i) }

// shownChange is a change with the file as it is now.
type shownChange struct {
	change
	view view
}

// changes answers changes.list.
func (d *Drive) changes(q url.Values) (object, error) {
	m, err := fields(q, reflect.TypeFor[drive.ChangeList](), some("kind", "nextPageToken", "newStartPageToken").
		with("changes", some("kind", "type", "changeType", "time", "removed", "fileId", "driveId").with("file", defaultFields)))
	if err != nil {
		return nil, err
	}
	size, err := d.pageSize(q)
	if err != nil {
		return nil, err
	}
	if !q.Has("pageToken") {
		return nil, badParameter("pageToken", "required", "Required parameter: pageToken")
	}
	from, err := strconv.Atoi(q.Get("pageToken"))
	if from -= firstChange; err != nil || from < 0 {
		return nil, invalid("pageToken")
	}
	if err := d.checkDrive(cmp.Or(q.Get("driveId"), q.Get("teamDriveId"))); err != nil {
		return nil, err
	}
	shown, next, end, ok := d.changesFrom(from, size, q)
	if !ok {
		return nil, invalid("pageToken")
	}
	list := make([]object, len(shown))
	for i, c := range shown {
		list[i] = c.object(m.of("changes"))
	}
	o := object{"kind": "drive#changeList", "changes": list}
	if end {
		o["newStartPageToken"] = changeToken(next)
	} else {
		o["nextPageToken"] = changeToken(next)
	}
	return selected(o, m), nil
}

// changesFrom returns a page of the log, where to go on, and whether that is its end.
func (d *Drive) changesFrom(from, size int, q url.Values) (shown []shownChange, next int, end, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if from > len(d.log) {
		return nil, 0, false, false
	}
	for i := from; i < len(d.log); i++ {
		c := d.log[i]
		if d.latest[c.id] != i {
			continue
		}
		f := d.files[c.id]
		if f == nil && !c.removed || f != nil && (f.id == d.own || f.id == d.team) {
			continue // gone with its folder, or a drive
		}
		s := shownChange{change: c}
		if f != nil {
			s.view = d.view(f)
			s.drive = s.view.drive
			s.removed = d.hidden(f)
		}
		if !wanted(s, q) {
			continue
		}
		if len(shown) == size {
			return shown, i, false, true
		}
		shown = append(shown, s)
	}
	return shown, len(d.log), true, true
}

func wanted(s shownChange, q url.Values) bool {
	if s.removed && q.Get("includeRemoved") == "false" {
		return false
	}
	if id := cmp.Or(q.Get("driveId"), q.Get("teamDriveId")); id != "" && s.drive != id {
		return false
	}
	return s.drive == "" || includesDrives(q) && !isTrue(q, "restrictToMyDrive")
}

func (c shownChange) object(m mask) object {
	o := object{
		"kind": "drive#change", "type": "file", "changeType": "file",
		"fileId": c.id, "removed": c.removed, "time": timestamp(c.time),
	}
	if c.drive != "" && !c.removed {
		o["driveId"] = c.drive
	}
	if !c.removed && m.has("file") {
		o["file"] = c.view.object(m.of("file"))
	}
	return selected(o, m)
}
