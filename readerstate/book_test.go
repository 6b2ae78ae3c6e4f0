package readerstate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/readerstate"
)

func TestBookOf(t *testing.T) {
	const uuid, library = "3B483BB1-14b5-4b7c-86bb-3f3f77d1806e", "AAAAAAAA-14b5-4b7c-86bb-3f3f77d1806e"
	for _, c := range []struct {
		uuid  string
		owned bool
		want  readerstate.Book
	}{
		{uuid, true, "3b483bb1-14b5-4b7c-86bb-3f3f77d1806e"},
		{uuid, false, "aaaaaaaa-14b5-4b7c-86bb-3f3f77d1806e:7"},
		{"", true, "aaaaaaaa-14b5-4b7c-86bb-3f3f77d1806e:7"},
		{"no uuid", true, "aaaaaaaa-14b5-4b7c-86bb-3f3f77d1806e:7"},
	} {
		got := readerstate.BookOf(c.uuid, c.owned, library, 7)
		if got != c.want {
			t.Errorf("%q, %v: %s, want %s", c.uuid, c.owned, got, c.want)
		}
		if parsed, err := readerstate.ParseBook(strings.ToUpper(string(got))); err != nil || parsed != got {
			t.Errorf("%s is read as %s, %v", got, parsed, err)
		}
	}
	lib, id, ok := readerstate.BookOf("", true, library, 7).Row()
	if lib != strings.ToLower(library) || id != 7 || !ok {
		t.Error(lib, id, ok)
	}
	if _, _, ok := readerstate.BookOf(uuid, true, library, 7).Row(); ok {
		t.Error("a UUID is a row")
	}
}

func TestParseBook(t *testing.T) {
	for _, bad := range []string{
		"", "7", ":7", "a:", "a:0", "a:-1", "a:07", "a:+7", "a:7:8", "a:99999999999999999999", "\x00:7", "3b483bb1-14b5-4b7c-86bb-3f3f77d1806", "3b483bb1-14b5-4b7c-86bb-3f3f77d1806g",
		"3b483bb1_14b5-4b7c-86bb-3f3f77d1806e", strings.Repeat("a", 65) + ":7",
	} {
		var invalid *readerstate.InvalidError
		if b, err := readerstate.ParseBook(bad); !errors.As(err, &invalid) {
			t.Errorf("%q is read as %q, %v", bad, b, err)
		}
	}
}
