package authtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Changes tests what open returns: two handles on one store with nothing in it,
// which may be one.
func Changes(t *testing.T, open func(t *testing.T) (writer, watcher All)) {
	writer, watcher := open(t)
	u, other := create(t, writer, user("ada")), create(t, writer, user("other"))
	told := make(chan auth.UserID, 1000)
	listening := make(chan struct{})
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		ended <- watcher.Watch(ctx, func() { close(listening) }, func(id auth.UserID) { told <- id })
	}()
	receive := func(name string, want auth.UserID) {
		t.Helper()
		select {
		case id := <-told:
			if id != want && id != 0 {
				t.Errorf("%s: told of %d, want %d", name, id, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: not told", name)
		}
	}
	select {
	case <-listening:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("it does not listen")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	edit := func(change func(*auth.User)) error {
		_, err := writer.Update(t.Context(), u.ID, func(u *auth.User) error { change(u); return nil })
		return err
	}
	// What comes before each of these is not told: it would be received instead.
	quiet := func() {
		t.Helper()
		begin(t, writer, other.ID, "other session")
		_, err := writer.Trade(t.Context(), trade("other session", 0, noon))
		must(err)
		must(edit(func(*auth.User) {}))
		must(writer.SetPassword(t.Context(), other.ID, "hash of other", "a better hash"))
		must(writer.AddAppPassword(t.Context(), appPassword(other.ID, 1)))
		receive("AddAppPassword", other.ID)
		must(writer.UseAppPassword(t.Context(), appPassword(other.ID, 1).ID, [32]byte{1}, noon, ""))
	}
	quiet()
	receive("Create", create(t, writer, user("third")).ID)
	must(edit(func(u *auth.User) { u.Disabled = true }))
	receive("Update", u.ID)
	must(writer.SetPassword(t.Context(), u.ID, "", "new hash"))
	receive("SetPassword", u.ID)
	begin(t, writer, u.ID, "a")
	must(writer.End(t.Context(), u.ID, "a"))
	receive("End", u.ID)
	must(writer.EndAll(t.Context(), u.ID, ""))
	receive("EndAll", u.ID)
	begin(t, writer, u.ID, "b")
	for n := range int64(2) {
		_, err := writer.Trade(t.Context(), trade("b", n, noon))
		must(err)
	}
	if _, err := writer.Trade(t.Context(), trade("b", 0, noon.Add(time.Minute))); !errors.Is(err, auth.ErrReused) {
		t.Fatal(err)
	}
	receive("Trade of a stolen token", u.ID)
	must(writer.RemoveAppPassword(t.Context(), other.ID, appPassword(other.ID, 1).ID))
	receive("RemoveAppPassword", other.ID)
	must(writer.Delete(t.Context(), u.ID))
	receive("Delete", u.ID)

	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended by %v", err)
	}
}
