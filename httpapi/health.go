package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Check is a part of the server that health reports on, such as a database or
// a shared cache. What a check finds never makes the server unready: every
// part but the libraries may be down.
type Check struct {
	Name string
	// Run says how the part is. It must answer from what is known already:
	// it is called on every request for health.
	Run func() CheckResult
}

// CheckResult is how a part of the server is.
type CheckResult struct {
	// Status is "ok", "degraded" or "off".
	Status string
	// Since is when it became so; zero is unknown.
	Since time.Time
	// Detail says more, for operators. It is shown to everybody who can reach
	// the server, so it must hold no secrets.
	Detail string
}

// healthJSON is the body of /api/health; those of live and ready are cut
// short.
type healthJSON struct {
	readyJSON
	Checks []healthCheckJSON `json:"checks" nullable:"false"`
}

type readyJSON struct {
	liveJSON
	Libraries []libraryHealthJSON `json:"libraries" nullable:"false"`
}

type liveJSON struct {
	Status  string `json:"status" enum:"ok,degraded,starting,stopping" doc:"degraded while a library may be out of date or a check is; starting until every library was loaded once; stopping when the server was told to stop."`
	Version string `json:"version" doc:"The version of the program."`
}

// libraryHealthJSON is the state of one library.
type libraryHealthJSON struct {
	Name       string  `json:"name" example:"main"`
	UUID       *string `json:"uuid" doc:"The library's own id. null before the first load."`
	Revision   *string `json:"revision" doc:"Digest of the contents: equal on every machine that serves the same."`
	Books      int     `json:"books" doc:"How many books it has." example:"24"`
	AgeSeconds float64 `json:"age_seconds" doc:"How long ago the contents were last seen to be those of the library." example:"12.3"`
	Watching   bool    `json:"watching" doc:"Whether changes are being looked for."`
	Problem    *string `json:"problem" doc:"Why the contents may be out of date."`
}

// healthCheckJSON is the state of another part of the server.
type healthCheckJSON struct {
	Name   string     `json:"name" example:"redis"`
	Status string     `json:"status" enum:"ok,degraded,off"`
	Since  *time.Time `json:"since"`
	Detail *string    `json:"detail"`
}

// health finds out how everything is. It does no I/O.
func (a *API) health(r *http.Request) healthJSON {
	h := healthJSON{Checks: []healthCheckJSON{}}
	h.liveJSON = liveJSON{Status: "ok", Version: a.opts.Version}
	for _, l := range a.libs {
		s := l.status(r)
		lh := libraryHealthJSON{Name: l.Name, Books: s.Books, Watching: s.Watching}
		if s.Problem != nil {
			h.Status = "degraded"
			text := s.Problem.Error()
			lh.Problem = &text
		}
		if !s.Loaded.IsZero() {
			lh.UUID, lh.Revision = &s.Revision.Library, &s.Revision.Digest
			lh.AgeSeconds = max(0, time.Since(s.Loaded).Round(100*time.Millisecond).Seconds())
		}
		h.Libraries = append(h.Libraries, lh)
	}
	for _, c := range a.opts.Checks {
		res := c.Run()
		hc := healthCheckJSON{Name: c.Name, Status: res.Status}
		if !res.Since.IsZero() {
			since := res.Since.UTC().Truncate(time.Second)
			hc.Since = &since
		}
		if res.Detail != "" {
			hc.Detail = &res.Detail
		}
		if res.Status == "degraded" {
			h.Status = "degraded"
		}
		h.Checks = append(h.Checks, hc)
	}
	for _, lh := range h.Libraries {
		if lh.Revision == nil {
			h.Status = "starting"
		}
	}
	if a.drains.Load() {
		h.Status = "stopping"
	}
	return h
}

// status is the library's status; one that is not live is always current.
func (l *library) status(r *http.Request) catalog.Status {
	if l.live != nil {
		return l.live.Status()
	}
	rev, err := l.Catalog.Revision(r.Context())
	if err != nil {
		return catalog.Status{Problem: err}
	}
	page, err := l.Catalog.Books(r.Context(), catalog.Query{Limit: 1})
	return catalog.Status{Revision: rev, Books: page.Total, Loaded: time.Now(), Problem: err}
}

func (a *API) serveHealth(w http.ResponseWriter, r *http.Request) error {
	h := a.health(r)
	return writeHealth(w, r, h.Status == "starting", h)
}

// serveReady says whether requests should come here. It stays ready as long
// as there is an index to answer from, however old, until the server is told to
// stop.
func (a *API) serveReady(w http.ResponseWriter, r *http.Request) error {
	h := a.health(r)
	return writeHealth(w, r, h.Status == "starting" || h.Status == "stopping", h.readyJSON)
}

// serveLive says that the process answers.
func (a *API) serveLive(w http.ResponseWriter, r *http.Request) error {
	return writeHealth(w, r, false, liveJSON{Status: "ok", Version: a.opts.Version})
}

func writeHealth(w http.ResponseWriter, r *http.Request, unavailable bool, h any) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	head := w.Header()
	head["Content-Type"] = jsonType
	head["Content-Length"] = []string{strconv.Itoa(len(body))}
	head["Cache-Control"] = []string{"no-store"}
	if unavailable {
		head["Retry-After"] = []string{"2"}
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if r.Method != http.MethodHead {
		_, err = w.Write(body)
	}
	return err
}
