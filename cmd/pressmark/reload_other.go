//go:build !unix

package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/pressmark/pressmark/httpapi/server"
)

// hangups catches nothing: there is no such signal here.
func hangups() (hup chan os.Signal, stop func()) { return nil, func() {} }

func reload(context.Context, *server.Server, <-chan os.Signal, *slog.Logger, []string, func(string) string) {
}
