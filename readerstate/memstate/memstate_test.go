package memstate_test

import (
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/memstate"
	"github.com/pressmark/pressmark/readerstate/statetest"
)

func TestStore(t *testing.T) {
	statetest.Store(t, func(_ *testing.T, now func() time.Time) readerstate.Store {
		return readerstate.All(&memstate.Store{Now: now})
	})
}
