package covers

import (
	"strings"
	"testing"
)

func TestUnknownSize(t *testing.T) {
	c := open(t, Options{})
	for _, size := range []Size{"", "full", "../thumb"} {
		_, err1 := c.Thumbnail(t.Context(), Source{}, size)
		_, err2 := c.Placeholder(t.Context(), "Title", "Author", size)
		for _, err := range []error{err1, err2} {
			if err == nil || !strings.Contains(err.Error(), "was expected") {
				t.Errorf("size %q: %v", size, err)
			}
		}
	}
}
