package readerstate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/memstate"
)

// Two devices of a reader tell where they are. The second has not seen what the
// first has written, and learns it.
func Example() {
	ctx := context.Background()
	store := readerstate.All(&memstate.Store{})
	const ada, book = 1, "3b483bb1-14b5-4b7c-86bb-3f3f77d1806e"

	phone := readerstate.Position{Family: "web", Type: readerstate.CFI, Locator: "epubcfi(/6/4!/4/2)", Progression: 0.25, Device: "Phone"}
	place, _, err := store.SetPlace(ctx, ada, book, phone, readerstate.IfVersion(0))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(place.Device, place.Progression, "version", place.Version)

	tablet := readerstate.Position{Family: "web", Type: readerstate.CFI, Locator: "epubcfi(/6/2!/4/1)", Progression: 0.1, Device: "Tablet"}
	_, _, err = store.SetPlace(ctx, ada, book, tablet, readerstate.IfVersion(0))
	var conflict *readerstate.ConflictError
	if errors.As(err, &conflict) {
		fmt.Println("conflict:", conflict.Stored.(readerstate.Place).Device, "was there")
	}
	// Output:
	// Phone 0.25 version 1
	// conflict: Phone was there
}
