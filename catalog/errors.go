package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

var (
	// ErrNotFound reports a book, field or library that is not there or may
	// not be seen. It is also an fs.ErrNotExist.
	ErrNotFound = fmt.Errorf("not in the catalog: %w", fs.ErrNotExist)

	// ErrUnavailable reports that there are no contents to answer from: the
	// first load has not succeeded yet. Trying again later may help.
	ErrUnavailable = errors.New("catalog not loaded")
)

// InvalidError reports a query that cannot be answered as it is asked.
type InvalidError struct {
	// Part is the part of the query at fault: "sort", "cursor", "limit",
	// "field", "filter" or "q".
	Part string
	// Value is what was given.
	Value string
	// Reason says what is wrong with it and what was expected.
	Reason string
}

// Error returns part, reason and value in one line.
func (e *InvalidError) Error() string {
	if e.Value == "" {
		return e.Part + ": " + e.Reason
	}
	return e.Part + ": " + e.Reason + " " + strconv.Quote(e.Value)
}

// Invalid makes an *InvalidError. The reason is a phrase that the value can
// follow, such as "unknown field".
func Invalid(part, value, reason string) error {
	return &InvalidError{Part: part, Value: value, Reason: reason}
}
