package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/readerstate"
)

// canceled are marks whose database breaks work off.
type canceled struct{ readerstate.Marks }

func (canceled) Favorites(context.Context, readerstate.UserID, readerstate.Cursor, int) ([]readerstate.Mark, error) {
	return nil, context.Canceled
}

// TestCanceledByOthers: work that is broken off, though the client waits, is no
// success.
func TestCanceledByOthers(t *testing.T) {
	d := newDoor(t)
	a, _ := newAPI(t, d.option, func(o *httpapi.Options) {
		o.State.Marks = canceled{o.State.Marks}
	})
	token := d.login(t, auth.Rule{})
	w := get(a, "/api/me/favorites", bearer(token)...)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, %v, %s", w.Code, w.Header(), w.Body)
	}
}
