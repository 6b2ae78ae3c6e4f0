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

	// Expected says what could stand at Position in the text that was given,
	// which is counted in characters (code points) from 0. Only errors about
	// text in a search language have them; Expected is empty for others.
	Expected string
	Position int
}

// Error returns all of it in one line.
func (e *InvalidError) Error() string {
	s := e.Part + ": " + e.Reason
	if e.Value != "" {
		s += " " + strconv.Quote(e.Value)
	}
	if e.Expected != "" {
		s += " at character " + strconv.Itoa(e.Position+1) + "; expected " + e.Expected
	}
	return s
}

// Invalid makes an *InvalidError. The reason is a phrase that the value can
// follow, such as "unknown field".
func Invalid(part, value, reason string) error {
	return &InvalidError{Part: part, Value: value, Reason: reason}
}
