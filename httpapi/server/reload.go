package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// reloadable are the settings that Reload takes over. Those of the certificate
// are not: its files are, their paths need a restart.
func reloadable(name string) bool { return name == "LOG_LEVEL" }

// Changed returns the names of the settings that differ between two sets of
// [Values], first those that [Server.Reload] takes over, then those that need a
// restart. Both sets must be whole, as [RawValues] returns them.
func Changed(before, after []Value) (now, restart []string) {
	old := map[string]string{}
	for _, v := range before {
		old[v.Name] = v.Value
	}
	for _, v := range after {
		switch {
		case old[v.Name] == v.Value:
		case reloadable(v.Name):
			now = append(now, v.Name)
		default:
			restart = append(restart, v.Name)
		}
	}
	return now, restart
}

// Taken returns the settings that are in use after a [Server.Reload], where those
// were before: of after, those that it takes over.
func Taken(before, after []Value) []Value {
	used := slices.Clone(before)
	for i, v := range used {
		if at := slices.IndexFunc(after, func(a Value) bool { return a.Name == v.Name }); at >= 0 && reloadable(v.Name) {
			used[i] = after[at]
		}
	}
	return used
}

// RawValues is [Values] with all that is secret, to be compared and not shown.
func RawValues(args []string, getenv func(string) string) ([]Value, error) {
	return valuesOf(args, getenv)
}

// Reload takes over what may change while the server runs: the files of the TLS
// certificate are read anew, what NewLogger made logs at level from now on, and
// each library is looked at for changes. What fails stays as it was; the error
// says all that did. ctx bounds the looks.
func (s *Server) Reload(ctx context.Context, level slog.Level) error {
	var errs []error
	if s.config.Level != nil {
		s.config.Level.Set(level)
	}
	if s.certificate != nil {
		if err := s.certificate.reload(); err != nil {
			errs = append(errs, fmt.Errorf("TLS certificate: %w", err))
		}
	}
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	for i, lib := range s.libraries {
		wg.Go(func() {
			if err := lib.Refresh(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("library %q: %w", s.config.Libraries[i].Name, err))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
