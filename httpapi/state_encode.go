package httpapi

import (
	"slices"
	"strconv"
	"time"
)

// selfEncoder is an answer that writes itself as JSON, as encoding/json would: those
// that are asked for again and again, with many records.
type selfEncoder interface {
	appendJSON(dst []byte) []byte
}

var (
	_ selfEncoder = statesJSON{}
	_ selfEncoder = statePageJSON{}
	_ selfEncoder = stateJSON{}
	_ selfEncoder = wonJSON{}
)

// appendMoment appends a time, null for none.
func appendMoment(dst []byte, t *time.Time) []byte {
	if t == nil {
		return append(dst, "null"...)
	}
	return appendTime(dst, *t)
}

// appendVersion ends a record with its version.
func appendVersion(dst []byte, version int64) []byte {
	dst = append(dst, `,"version":`...)
	return append(strconv.AppendInt(dst, version, 10), '}')
}

func (f *favoriteJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"favorite":`...)
	dst = appendBool(dst, f.Favorite)
	dst = append(dst, `,"since":`...)
	dst = appendMoment(dst, f.Since)
	return appendVersion(dst, f.Version)
}

func (s *statusJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"status":`...)
	dst = appendString(dst, string(s.Status))
	dst = append(dst, `,"started":`...)
	dst = appendMoment(dst, s.Started)
	dst = append(dst, `,"finished":`...)
	dst = appendMoment(dst, s.Finished)
	dst = append(dst, `,"changed":`...)
	dst = appendMoment(dst, s.Changed)
	return appendVersion(dst, s.Version)
}

func (r *ratingJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"rating":`...)
	if r.Rating == nil {
		dst = append(dst, "null"...)
	} else {
		dst = appendFloat(dst, *r.Rating)
	}
	dst = append(dst, `,"changed":`...)
	dst = appendMoment(dst, r.Changed)
	return appendVersion(dst, r.Version)
}

func (p *placeJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"family":`...)
	dst = appendString(dst, p.Family)
	dst = append(dst, `,"locator_type":`...)
	dst = appendString(dst, string(p.LocatorType))
	dst = append(dst, `,"locator":`...)
	dst = appendString(dst, p.Locator)
	dst = append(dst, `,"progression":`...)
	dst = appendFloat(dst, p.Progression)
	dst = append(dst, `,"device":`...)
	dst = appendString(dst, p.Device)
	dst = append(dst, `,"device_id":`...)
	dst = appendString(dst, p.DeviceID)
	dst = append(dst, `,"at":`...)
	dst = appendMoment(dst, p.At)
	dst = append(dst, `,"received":`...)
	dst = appendMoment(dst, &p.Received)
	return appendVersion(dst, p.Version)
}

func (s stateJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"book":`...)
	dst = appendString(dst, string(s.Book))
	dst = append(dst, `,"library":`...)
	dst = appendString(dst, s.Library)
	dst = append(dst, `,"id":`...)
	dst = strconv.AppendInt(dst, s.ID, 10)
	dst = append(dst, `,"favorite":`...)
	dst = s.Favorite.appendJSON(dst)
	dst = append(dst, `,"status":`...)
	dst = s.Status.appendJSON(dst)
	dst = append(dst, `,"rating":`...)
	dst = s.Rating.appendJSON(dst)
	dst = append(dst, `,"last_read":`...)
	dst = appendMoment(dst, s.LastRead)
	dst = append(dst, `,"progress":`...)
	if s.Progress == nil {
		dst = append(dst, "null"...)
	} else {
		dst = s.Progress.appendJSON(dst)
	}
	return append(dst, '}')
}

func appendStates(dst []byte, items []stateJSON) []byte {
	dst = slices.Grow(dst, 128+len(items)*1024)
	dst = append(dst, `{"items":[`...)
	for i := range items {
		dst = comma(dst, i)
		dst = items[i].appendJSON(dst)
	}
	return append(dst, ']')
}

func (s statesJSON) appendJSON(dst []byte) []byte {
	return append(appendStates(dst, s.Items), '}')
}

func (p statePageJSON) appendJSON(dst []byte) []byte {
	dst = append(appendStates(dst, p.Items), `,"next_cursor":`...)
	if p.NextCursor == nil {
		return append(dst, "null}"...)
	}
	return append(appendString(dst, *p.NextCursor), '}')
}

func (w wonJSON) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"won":`...)
	dst = appendBool(dst, w.Won)
	dst = append(dst, `,"progress":`...)
	return append(w.Progress.appendJSON(dst), '}')
}
