package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// param is one query parameter, decoded.
type param struct{ name, value string }

// Bounds of a query: enough for 500 UUIDs, small enough to be read in no time.
const (
	maxQuery  = 32 << 10
	maxParams = 256
)

// parseParams reads a query string into dst, in the order given. It is
// url.ParseQuery without the map, and a damaged escape is an error.
func parseParams(dst []param, raw string) ([]param, error) {
	if len(raw) > maxQuery {
		return nil, &statusError{status: http.StatusRequestURITooLong, detail: "The query is longer than 32 KiB."}
	}
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, invalid("query", name, "damaged escape in")
		}
		if value, err = unescape(value); err != nil {
			return nil, invalid("query."+name, value, "damaged escape in")
		}
		if len(dst) == maxParams {
			return nil, invalid("query", strconv.Itoa(maxParams), "there can be no more parameters than")
		}
		dst = append(dst, param{name, value})
	}
	return dst, nil
}

// unescape returns s as it was if it cannot be decoded.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, nil
	}
	u, err := url.QueryUnescape(s)
	if err != nil {
		return s, err
	}
	return u, nil
}

// canonical orders params so that queries that mean the same are the same:
// between parameters order has no meaning. Where it could have one, because a
// parameter that has one value is given twice, that is an error.
func canonical(params []param) error {
	if len(params) < 2 {
		return nil
	}
	order(params)
	for i, p := range params[1:] {
		switch p.name {
		case "limit", "cursor", "sort", "include", "prefix", "facets", "facet_limit", "parent":
			if params[i].name == p.name {
				return invalid("query."+p.name, p.value, "given more than once:")
			}
		}
	}
	return nil
}

func order(params []param) {
	if len(params) < 2 {
		return
	}
	slices.SortFunc(params, func(a, b param) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value))
	})
}

// parseLimit reads the limit parameter.
func parseLimit(s string) (int, error) { return parseCount("query.limit", s, catalog.MaxLimit) }

// parseCount reads a number of things, of which there can be most.
func parseCount(location, s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most || s[0] == '+' {
		return 0, invalid(location, s, "must be a whole number from 1 to "+strconv.Itoa(most)+", not")
	}
	return n, nil
}

// parseID reads a book id; location says where it stood.
func parseID(location, s string) (catalog.BookID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || s[0] == '+' {
		return 0, invalid(location, s, "not the id of a book:")
	}
	return catalog.BookID(n), nil
}

// parseUUID reads a UUID. Calibre takes any text for one, so only what cannot
// be meant is refused.
func parseUUID(location, s string) (string, error) {
	if s == "" || len(s) > 64 || strings.ContainsAny(s, "/ ,") {
		return "", invalid(location, s, "not a UUID:")
	}
	return s, nil
}

// splitList reads a list of at most 500 values between commas.
func splitList[T any](location, s string, parse func(location, s string) (T, error)) ([]T, error) {
	n := strings.Count(s, ",") + 1
	if n > catalog.MaxLimit {
		return nil, invalid(location, strconv.Itoa(n)+" values", "at most 500 at a time, not")
	}
	list := make([]T, 0, n)
	for part := range strings.SplitSeq(s, ",") {
		v, err := parse(location, part)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
