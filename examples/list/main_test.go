package main

import (
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

func TestList(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{calibretest.Sample(t)}, &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 24 || !strings.Contains(out.String(), "2024-01-01  The Tide Clerk\n") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	if err := run(t.Context(), []string{t.TempDir()}, &out); err == nil {
		t.Error("a folder without a library was listed")
	}
	if err := run(t.Context(), nil, &out); err == nil {
		t.Error("no folder was listed")
	}
}
