package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/readerstate"
)

// TestStateCommands moves an installation from SQLite to PostgreSQL and back.
func TestStateCommands(t *testing.T) {
	dir := t.TempDir()
	env := environment{"DATA_DIR": filepath.Join(dir, "one"), "ARGON2_MEMORY": "8MiB", "ARGON2_TIME": "1"}
	pg := "--database-url=" + migrationstest.URL(migrationstest.Postgres(t))
	file := func(name string) string { return filepath.Join(dir, name) }
	const from, to = "11111111-1111-4111-8111-111111111111", "22222222-1111-4111-8111-111111111111:7"
	step := func(args, stdin string, code int, want string) {
		t.Helper()
		var out strings.Builder
		got := console{env.get, strings.NewReader(stdin), &out, &out, ""}.run(t.Context(), strings.Split(args, "|"))
		if got != code || !strings.Contains(out.String(), want) {
			t.Fatalf("%s: exit code %d, want %d, and %q in:\n%s", args, got, code, want, out.String())
		}
	}
	step("user|create|--email=ada@example.com|--username=ada|--admin", "long enough", 0, "Created admin 1")
	s, err := server.OpenState(t.Context(), server.Config{DataDir: env["DATA_DIR"]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Readers.SetFavorite(t.Context(), 1, from, true, readerstate.Write{}); err != nil {
		t.Fatal(err)
	}
	// The database is open, as in a server.
	step("state|backup|"+file("copy.db"), "", 0, "Copied SQLite")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	step("state|backup|"+file("copy.db"), "", 1, "exists")
	step("state|backup", "", 2, "Usage: pressmark state")
	step("state|backup|"+file("x.db")+"|"+pg, "", 1, "pg_dump")
	step("state", "", 2, "Usage: pressmark state")
	step("state|help", "", 0, "Usage: pressmark state")
	step("state|move", "", 2, `"state move"`)
	step("state|rekey|x|"+to, "", 2, "a UUID")
	step("state|rekey|"+from+"|"+to, "", 0, "1 users have")

	step("state|export|"+file("one.jsonl"), "", 0, "Exported")
	step("state|export|"+file("one.jsonl"), "", 1, "exists")
	step("state|import|"+file("one.jsonl"), "", 1, "not empty")
	step("state|import|"+file("one.jsonl")+"|"+pg, "", 0, "Imported")
	step("state|export|"+file("two.jsonl")+"|"+pg, "", 0, "Exported")
	env["DATA_DIR"] = file("three")
	two, err := os.ReadFile(file("two.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	step("state|import", string(two), 0, "Imported")
	step("state|export|"+file("three.jsonl"), "", 0, "Exported")
	one, err := os.ReadFile(file("one.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	three, err := os.ReadFile(file("three.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	// That they were imported is an event, of which each has one more.
	for text, imports := range map[string]int{string(one): 0, string(two): 1, string(three): 2} {
		if n := strings.Count(text, `"action":"imported"`); n != imports {
			t.Errorf("%d imports in\n%s", n, text)
		}
	}
	if moved(one) != moved(two) || moved(two) != moved(three) || !strings.Contains(string(one), `"book":"`+to+`"`) {
		t.Errorf("SQLite:\n%s\nPostgreSQL:\n%s\nSQLite:\n%s", one, two, three)
	}
	for _, name := range []string{"one.jsonl", "copy.db"} {
		if info, err := os.Stat(file(name)); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	// The copy is a database.
	if err := os.Mkdir(file("restored"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file("copy.db"), filepath.Join(file("restored"), "pressmark.db")); err != nil {
		t.Fatal(err)
	}
	env["DATA_DIR"] = file("restored")
	step("user|list", "", 0, "ada@example.com")
	step("state|rekey|"+from+"|"+to, "", 0, "1 users have")
}

// moved returns what an export has of before it was imported anywhere.
func moved(export []byte) string {
	var kept []string
	for line := range strings.Lines(string(export)) {
		if strings.Contains(line, `"action":"imported"`) || strings.HasPrefix(line, `{"rows":`) || strings.HasPrefix(line, `{"pressmark_state":`) {
			continue // the last two have counts of events
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}
