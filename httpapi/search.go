package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxSearchBody bounds a search in a body: 128 KiB hold the longest expression
// that a language takes and as much beside it.
const maxSearchBody = 128 << 10

// serveSearch answers POST /api/books/search. The body says what the parameters
// of GET /api/books say, and the answer is the same, for questions that are too
// long for an address. It changes nothing.
func (a *API) serveSearch(w http.ResponseWriter, r *http.Request) error {
	given, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return err
	}
	if len(given) > 0 {
		return unknown(given[0])
	}
	params, err := readSearch(w, r)
	if err != nil {
		return err
	}
	return inBody(a.search(w, r, params))
}

func (a *API) search(w http.ResponseWriter, r *http.Request, params []param) error {
	v, own, err := a.look(r.Context(), params)
	if err != nil {
		return err
	}
	make, err := a.planBooks(r, v, own)
	if err != nil {
		return err
	}
	e := &respEntry{contentType: jsonType}
	return a.body(r.Context(), acceptedEncoding(r.Header["Accept-Encoding"]), make, func(p page) {
		e.have(p)
		e.write(w, r, noStore)
	})
}

var noStore = []string{"no-store"}

// inBody makes an error about a parameter one about the member of the body that
// stood for it.
func inBody(err error) error {
	if err == nil {
		return nil
	}
	e := *explain(err)
	name, ok := strings.CutPrefix(e.location, "query.")
	if !ok {
		return err
	}
	e.location = "body." + name
	return &e
}

// readSearch reads the body as the parameters that it stands for.
func readSearch(w http.ResponseWriter, r *http.Request) ([]param, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return nil, atFault(http.StatusUnsupportedMediaType, "header.Content-Type", r.Header.Get("Content-Type"), "the body must be application/json, not")
	}
	body, err := readBody(w, r, maxSearchBody)
	if err != nil {
		return nil, err
	}
	var params []param
	err = readObject(body, func(d *json.Decoder, name string) error {
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		read, err := readMember(name, value)
		params = append(params, read...)
		return err
	})
	return params, err
}

// readObject reads a body that is one JSON object, as eachMember does. Errors are
// answers to the client.
func readObject(body []byte, read func(d *json.Decoder, name string) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	err := eachMember(d, "body", func(name string) error { return read(d, name) })
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("there is more after its end")
		}
	}
	var known *statusError
	if err != nil && !errors.As(err, &known) {
		return &statusError{status: http.StatusBadRequest, detail: fmt.Sprintf("The body is not JSON: %v.", err)}
	}
	return err
}

// eachMember reads an object and calls read for each of its members, which must
// read the value. Members must not be repeated: only one could count.
func eachMember(d *json.Decoder, location string, read func(name string) error) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return invalid(location, "", "must be a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := name.(string) // what stands before a colon is nothing else
		if seen[key] {
			return invalid(location+"."+key, "", "given more than once")
		}
		seen[key] = true
		if err := read(key); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// readMember reads one member of the body; null is as if it were not there.
func readMember(name string, value json.RawMessage) ([]param, error) {
	location := "body." + name
	null := string(value) == "null"
	switch name {
	case "q", "sort", "cursor", "include", "view", "library":
		var s string
		if json.Unmarshal(value, &s) != nil {
			return nil, invalid(location, string(value), "must be a string, not")
		}
		if null {
			return nil, nil
		}
		return []param{{name, s}}, nil
	case "limit", "facet_limit":
		var n json.Number
		if json.Unmarshal(value, &n) != nil || value[0] == '"' {
			return nil, invalid(location, string(value), "must be a number, not")
		}
		if null {
			return nil, nil
		}
		return []param{{name, n.String()}}, nil
	case "facets":
		list, err := readStrings(location, value)
		if err != nil || list == nil {
			return nil, err
		}
		return []param{{name, strings.Join(list, ",")}}, nil
	case "filter":
		return readFilter(location, value)
	}
	return nil, invalid(location, name, "unknown member")
}

// readFilter reads filters in either of two forms: a list of "field:value", or
// an object of lists of values.
func readFilter(location string, value json.RawMessage) ([]param, error) {
	var params []param
	if value[0] != '{' {
		list, err := readStrings(location, value)
		for _, s := range list {
			params = append(params, param{"filter", s})
		}
		return params, err
	}
	d := json.NewDecoder(bytes.NewReader(value))
	err := eachMember(d, location, func(field string) error {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		location := location + "." + field
		values, err := readStrings(location, raw)
		if err != nil {
			return err
		}
		if len(values) == 0 || strings.Contains(field, ":") {
			return invalid(location, "", "must be the key of a field with at least one value")
		}
		for _, s := range values {
			params = append(params, param{"filter", field + ":" + s})
		}
		return nil
	})
	return params, err
}

// readStrings reads a list of strings; null is none.
func readStrings(location string, value json.RawMessage) ([]string, error) {
	var list []*string
	if json.Unmarshal(value, &list) != nil {
		return nil, invalid(location, string(value), "must be a list of strings, not")
	}
	var out []string
	for _, s := range list {
		if s == nil {
			return nil, invalid(location, "null", "must be a list of strings, without")
		}
		out = append(out, *s)
	}
	return out, nil
}
