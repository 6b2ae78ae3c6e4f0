package drivetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Handler returns the API, as if at the paths of www.googleapis.com: /drive/v3/files
// and so on, and also without /drive/v3, as option.WithEndpoint replaces that. The
// token endpoint is at /token. Requests need a token, see [Drive.Credentials].
func (d *Drive) Handler() http.Handler { return http.HandlerFunc(d.serve) }

// serve answers a request. As in [http.Handler], a panic with http.ErrAbortHandler
// is how a connection is broken off.
func (d *Drive) serve(w http.ResponseWriter, r *http.Request) {
	req := classify(r)
	s := d.arrive(&req)
	if !sleep(r.Context(), s.Delay) || s.Drop {
		panic(http.ErrAbortHandler)
	}
	b := &body{ResponseWriter: w, ctx: r.Context(), fault: s.Fault, sent: func(int) {}}
	var err error
	switch {
	case s.Status != 0 || s.Reason != "":
		f := failed(s.Status, s.Reason)
		f.retryAfter = s.RetryAfter
		err = f
	case req.Op == OpToken:
		d.token(b, r)
	default:
		err = d.answer(b, r, req, s)
	}
	var f *failure
	if errors.As(err, &f) {
		f.write(b)
	}
}

func (d *Drive) answer(b *body, r *http.Request, req Request, s shape) error {
	if err := d.authorize(r, req.Op); err != nil {
		return err
	}
	if err := d.admit(); err != nil {
		return err
	}
	var o object
	var err error
	switch req.Op {
	case OpList:
		o, err = d.list(req.Query, s.Incomplete)
	case OpGet:
		o, err = d.get(req.FileID, req.Query)
	case OpMedia:
		return d.media(b, req, s.bytesPerSecond)
	case OpChanges:
		o, err = d.changes(req.Query)
	case OpStartPageToken:
		o, err = d.startPageToken(req.Query)
	default:
		return insufficientScope()
	}
	if err != nil {
		return err
	}
	return writeJSON(b, o, req.Query)
}

func writeJSON(w http.ResponseWriter, o object, q url.Values) error {
	raw, err := json.Marshal(o)
	if err != nil {
		return failed(http.StatusInternalServerError, "internalError")
	}
	if q.Get("prettyPrint") != "false" {
		var pretty bytes.Buffer
		if json.Indent(&pretty, raw, "", "  ") == nil {
			raw = pretty.Bytes()
		}
	}
	writeBody(w, http.StatusOK, jsonType, raw)
	return nil
}

func classify(r *http.Request) Request {
	req := Request{
		Op: OpOther, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Range: r.Header.Get("Range"),
	}
	if req.Path == "/token" && r.Method == http.MethodPost {
		req.Op = OpToken
		return req
	}
	if r.Method != http.MethodGet {
		return req
	}
	p := strings.TrimPrefix(strings.TrimPrefix(req.Path, "/drive/v3"), "/")
	switch {
	case p == "files":
		req.Op = OpList
	case p == "changes":
		req.Op = OpChanges
	case p == "changes/startPageToken":
		req.Op = OpStartPageToken
	case strings.HasPrefix(p, "files/"):
		id := strings.TrimPrefix(p, "files/")
		if id == "" || strings.Contains(id, "/") || id == "generateIds" || id == "trash" {
			return req
		}
		if req.FileID, req.Op = id, OpGet; req.Query.Get("alt") == "media" {
			req.Op = OpMedia
		}
	}
	return req
}
