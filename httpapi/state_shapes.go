package httpapi

import (
	"encoding/json"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

type favoriteJSON struct {
	Favorite bool       `json:"favorite"`
	Since    *time.Time `json:"since" doc:"When it became one, or ceased to be; null if never."`
	Version  int64      `json:"version" doc:"0 if it was never set."`
}

type statusJSON struct {
	Status   readerstate.Status `json:"status" enum:"unread,reading,finished"`
	Started  *time.Time         `json:"started"`
	Finished *time.Time         `json:"finished"`
	Changed  *time.Time         `json:"changed"`
	Version  int64              `json:"version" doc:"0 if it was never set."`
}

type ratingJSON struct {
	Rating  *float64   `json:"rating" doc:"Stars, 0.5 to 5 by halves; null is none." example:"4.5"`
	Changed *time.Time `json:"changed"`
	Version int64      `json:"version" doc:"0 if it was never set."`
}

type placeJSON struct {
	Family      string                  `json:"family" doc:"What devices that understand each other's locators have in common." example:"web"`
	LocatorType readerstate.LocatorType `json:"locator_type" enum:"cfi,xpointer,page,readium,other"`
	Locator     string                  `json:"locator" doc:"The place, as the client gave it." example:"epubcfi(/6/14!/4/2/10)"`
	Progression float64                 `json:"progression" minimum:"0" maximum:"1" doc:"How much of the whole book lies before it." example:"0.42"`
	Device      string                  `json:"device" doc:"The device's name." example:"Phone"`
	DeviceID    string                  `json:"device_id"`
	At          *time.Time              `json:"at" doc:"When the reader was there, by the device's clock."`
	Received    time.Time               `json:"received" doc:"When it came, by the server's clock."`
	Version     int64                   `json:"version"`
}

type pastJSON struct {
	N           int64                   `json:"n" doc:"Grows with each position of the book."`
	Family      string                  `json:"family" doc:"What devices that understand each other's locators have in common." example:"web"`
	LocatorType readerstate.LocatorType `json:"locator_type" enum:"cfi,xpointer,page,readium,other"`
	Locator     string                  `json:"locator" doc:"The place, as the client gave it." example:"epubcfi(/6/14!/4/2/10)"`
	Progression float64                 `json:"progression" minimum:"0" maximum:"1" doc:"How much of the whole book lies before it." example:"0.42"`
	Device      string                  `json:"device" doc:"The device's name." example:"Phone"`
	DeviceID    string                  `json:"device_id"`
	At          *time.Time              `json:"at" doc:"When the reader was there, by the device's clock."`
	Received    time.Time               `json:"received" doc:"When it came, by the server's clock."`
	Fate        readerstate.Fate        `json:"fate" enum:"kept,late,undone" doc:"kept: it is the place, or was; late: it came after one that was newer; undone: it was taken back."`
}

// stateJSON is what a user has made of a book.
type stateJSON struct {
	Book     readerstate.Book `json:"book" doc:"The name under which state is kept: the UUID, or that of the library, a colon and the id." example:"3b483bb1-14b5-4b7c-86bb-3f3f77d1806e"`
	Library  string           `json:"library" example:"main"`
	ID       int64            `json:"id" doc:"The book's id in that library."`
	Favorite favoriteJSON     `json:"favorite"`
	Status   statusJSON       `json:"status"`
	Rating   ratingJSON       `json:"rating"`
	LastRead *time.Time       `json:"last_read" doc:"When the place was told last."`
	Progress *placeJSON       `json:"progress" doc:"The newest place of all device families."`
}

type (
	statesJSON struct {
		Items []stateJSON `json:"items" nullable:"false"`
	}
	statePageJSON struct {
		Items      []stateJSON `json:"items" nullable:"false"`
		NextCursor *string     `json:"next_cursor"`
	}
	placesJSON struct {
		Items []placeJSON `json:"items" nullable:"false" doc:"One for each device family, the newest first."`
	}
	historyJSON struct {
		Items []pastJSON `json:"items" nullable:"false" doc:"The last one first."`
	}
	wonJSON struct {
		Won      bool      `json:"won" doc:"Whether the position that was sent is the place now. If not, progress is a newer one, and the other is in the history."`
		Progress placeJSON `json:"progress"`
	}
	listJSON struct {
		ID          string    `json:"id" format:"uuid"`
		Name        string    `json:"name" example:"To read"`
		Description string    `json:"description"`
		Public      bool      `json:"public" doc:"Whether all other users may read it."`
		Books       int       `json:"books" doc:"How many it holds, also of those that the catalog does not have now."`
		Created     time.Time `json:"created"`
		Changed     time.Time `json:"changed"`
		Version     int64     `json:"version"`
	}
	listsJSON struct {
		Items      []listJSON `json:"items" nullable:"false"`
		NextCursor *string    `json:"next_cursor"`
		Total      int        `json:"total"`
	}
	publicListJSON struct {
		ID          string    `json:"id" format:"uuid"`
		Name        string    `json:"name"`
		Description string    `json:"description"`
		Owner       string    `json:"owner" doc:"The user's full name, or else the user name." example:"Ada Lovelace"`
		Mine        bool      `json:"mine"`
		Created     time.Time `json:"created"`
		Changed     time.Time `json:"changed"`
	}
	publicListsJSON struct {
		Items      []publicListJSON `json:"items" nullable:"false"`
		NextCursor *string          `json:"next_cursor"`
	}
	listBookJSON struct {
		Book    readerstate.Book `json:"book" doc:"The name under which state is kept: the UUID, or that of the library, a colon and the id." example:"3b483bb1-14b5-4b7c-86bb-3f3f77d1806e"`
		Library string           `json:"library" example:"main"`
		ID      int64            `json:"id" doc:"The book's id in that library."`
		Added   time.Time        `json:"added"`
	}
	listBooksJSON struct {
		Items      []listBookJSON `json:"items" nullable:"false"`
		NextCursor *string        `json:"next_cursor"`
	}
	preferencesJSON struct {
		Preferences json.RawMessage `json:"preferences" doc:"An object, as it was given; empty if there is none."`
		Changed     *time.Time      `json:"changed"`
		Version     int64           `json:"version"`
	}
)

// The bodies of requests, for the document.
type (
	setStatusJSON struct {
		Status    readerstate.Status `json:"status" enum:"unread,reading,finished"`
		Started   time.Time          `json:"started,omitempty"`
		Finished  time.Time          `json:"finished,omitempty"`
		IfVersion int64              `json:"if_version,omitempty"`
	}
	setRatingJSON struct {
		Rating    float64 `json:"rating" minimum:"0.5" maximum:"5" multipleOf:"0.5"`
		IfVersion int64   `json:"if_version,omitempty"`
	}
	setPlaceJSON struct {
		Family      string                  `json:"family,omitempty" default:"web" pattern:"^[a-z0-9._-]{1,32}$"`
		LocatorType readerstate.LocatorType `json:"locator_type" enum:"cfi,xpointer,page,readium,other"`
		Locator     string                  `json:"locator" doc:"At most 8,192 bytes; comes back as it was."`
		Progression float64                 `json:"progression" minimum:"0" maximum:"1"`
		Device      string                  `json:"device,omitempty"`
		DeviceID    string                  `json:"device_id,omitempty"`
		At          time.Time               `json:"at,omitempty" doc:"When the reader was there, by the device's clock; without it, now."`
		IfVersion   int64                   `json:"if_version,omitempty" doc:"The version that the client has seen; 0 is none. If another is stored the answer is 409 with that one."`
	}
	undoJSON struct {
		Family    string `json:"family,omitempty" default:"web"`
		IfVersion int64  `json:"if_version,omitempty"`
	}
	createListJSON struct {
		ID          string `json:"id,omitempty" format:"uuid" doc:"The client may choose it, and send the request again."`
		Name        string `json:"name" maxLength:"200"`
		Description string `json:"description,omitempty" maxLength:"4000"`
		Public      bool   `json:"public,omitempty"`
	}
	changeListJSON struct {
		Name        string `json:"name,omitempty" maxLength:"200"`
		Description string `json:"description,omitempty" maxLength:"4000"`
		Public      bool   `json:"public,omitempty"`
		IfVersion   int64  `json:"if_version,omitempty"`
	}
	putBookJSON struct {
		Before    string `json:"before,omitempty" doc:"The book, by id or UUID, that it goes before."`
		End       bool   `json:"end,omitempty" doc:"It goes to the end. Without before and end a book that is in the list stays where it is, and another goes to the end."`
		IfVersion int64  `json:"if_version,omitempty"`
	}
	setPreferencesJSON struct {
		Preferences map[string]any `json:"preferences"`
		IfVersion   int64          `json:"if_version,omitempty"`
	}
	eraseJSON struct {
		CurrentPassword string `json:"current_password" format:"password"`
	}
)

// optional is a time, null for zero.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func toFavorite(f readerstate.Favorite) favoriteJSON {
	return favoriteJSON{f.On, optional(f.Since), f.Version}
}

func toStatus(s readerstate.Reading) statusJSON {
	return statusJSON{s.Status, optional(s.Started), optional(s.Finished), optional(s.Changed), s.Version}
}

func toRating(r readerstate.Rating) ratingJSON {
	j := ratingJSON{nil, optional(r.Changed), r.Version}
	if r.Stars > 0 {
		j.Rating = &r.Stars
	}
	return j
}

func toPlace(p readerstate.Place) placeJSON {
	return placeJSON{p.Family, p.Type, p.Locator, p.Progression, p.Device, p.DeviceID, optional(p.At), p.Received, p.Version}
}

func toPast(p readerstate.Past) pastJSON {
	return pastJSON{p.N, p.Family, p.Type, p.Locator, p.Progression, p.Device, p.DeviceID, optional(p.At), p.Received, p.Fate}
}

func toState(m readerstate.Mark, l located) stateJSON {
	s := stateJSON{l.name, l.lib.Name, int64(l.id), toFavorite(m.Favorite), toStatus(m.Reading), toRating(m.Rating), optional(m.Read), nil}
	if m.Place != nil {
		p := toPlace(*m.Place)
		s.Progress = &p
	}
	return s
}

func toList(l readerstate.List) listJSON {
	return listJSON{l.ID, l.Name, l.Description, l.Public, l.Books, l.Created, l.Changed, l.Version}
}

func toPreferences(p readerstate.Preferences) preferencesJSON {
	j := preferencesJSON{p.JSON, optional(p.Changed), p.Version}
	if p.JSON == nil {
		j.Preferences = json.RawMessage("{}")
	}
	return j
}

// toStored is what a conflict shows of what is stored.
func toStored(stored any) any {
	switch s := stored.(type) {
	case readerstate.Favorite:
		return toFavorite(s)
	case readerstate.Reading:
		return toStatus(s)
	case readerstate.Rating:
		return toRating(s)
	case readerstate.Place:
		if s.Version == 0 {
			return nil
		}
		return toPlace(s)
	case readerstate.List:
		return toList(s)
	case readerstate.Preferences:
		return toPreferences(s)
	}
	return nil
}
