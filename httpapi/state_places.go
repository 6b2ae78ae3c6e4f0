package httpapi

import (
	"net/http"

	"github.com/pressmark/pressmark/readerstate"
)

// webFamily is the device family of who does not name one.
const webFamily = "web"

func (a *API) servePlaces(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, err := a.bookOf(r)
	if err != nil {
		return err
	}
	places, err := a.opts.State.PlacesIn(r.Context(), user, l.name)
	if err != nil {
		return err
	}
	answer := placesJSON{Items: []placeJSON{}}
	for _, p := range places {
		answer.Items = append(answer.Items, toPlace(p))
	}
	return a.sendJSON(w, r, answer)
}

func (a *API) serveSetPlace(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	p := readerstate.Position{Family: webFamily}
	var progression *float64
	l, how, err := a.changeOf(w, r, neededBody, map[string]any{
		"family": &p.Family, "locator_type": &p.Type, "locator": &p.Locator, "progression": &progression,
		"device": &p.Device, "device_id": &p.DeviceID, "at": &p.At,
	})
	if err != nil {
		return err
	}
	if progression == nil {
		return invalid("body.progression", "", "a number from 0 to 1 was expected")
	}
	p.Progression = *progression
	place, won, err := a.opts.State.SetPlace(r.Context(), user, l.name, p, how)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, place.Version, wonJSON{won, toPlace(place)})
}

func (a *API) serveForgetPlaces(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, how, err := a.changeOf(w, r, nil, nil)
	if err != nil {
		return err
	}
	return noContent(w, a.opts.State.ForgetPlaces(r.Context(), user, l.name, how))
}

func (a *API) serveHistory(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, err := a.bookOf(r)
	if err != nil {
		return err
	}
	past, err := a.opts.State.History(r.Context(), user, l.name)
	if err != nil {
		return err
	}
	answer := historyJSON{Items: []pastJSON{}}
	for _, p := range past {
		answer.Items = append(answer.Items, toPast(p))
	}
	return a.sendJSON(w, r, answer)
}

func (a *API) serveUndo(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	family := webFamily
	l, how, err := a.changeOf(w, r, optionalBody, map[string]any{"family": &family})
	if err != nil {
		return err
	}
	place, err := a.opts.State.Undo(r.Context(), user, l.name, family, how)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, place.Version, toPlace(place))
}
