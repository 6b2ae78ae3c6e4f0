package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkRestore backs an installation up, by PostgreSQL's means and by ours, and
// brings it back into an empty one.
func checkRestore(t *testing.T, in *installation) {
	t.Helper()
	dump := in.postgres("", "pg_dump", "-U", "pressmark", "pressmark")
	lines := in.pressmark("", "state", "export")

	in.must(nil, "down", "--volumes", "--timeout", "30")
	in.must(nil, "up", "--detach", "--no-build", "postgres")
	in.await("the new database", func() bool {
		_, err := in.run(nil, "exec", "-T", "postgres", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "pressmark", "-d", "pressmark")
		return err == nil
	})
	in.postgres(dump, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", "pressmark", "pressmark")
	in.must(nil, "up", "--detach", "--no-build")
	in.healthy()
	s := login(t, in.backend())
	if got := s.locator(t, in.backend()); got != "17" {
		t.Errorf("after pg_dump and psql the place is %q", got)
	}

	const second = "postgres://pressmark@postgres/second"
	in.postgres("", "createdb", "-U", "pressmark", "second")
	in.pressmark(lines, "state", "import", "--database-url", second)
	got, want := rows(in.pressmark("", "state", "export", "--database-url", second)), rows(lines)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%q were exported, and %q after they were imported", want, got)
	}
}

// rows are the rows of an export, without the note of an import.
func rows(export string) (all []string) {
	for line := range strings.Lines(export) {
		if strings.HasPrefix(line, `{"table":`) && !strings.Contains(line, `"state import"`) {
			all = append(all, line)
		}
	}
	return all
}

// checkUpgrade has an older version make a database, and this one take it over.
func checkUpgrade(t *testing.T, in *installation) {
	t.Helper()
	previous := previousVersion(t)
	if previous == "" {
		return
	}
	dir := t.TempDir()
	tree, binary := filepath.Join(dir, "tree"), filepath.Join(dir, "pressmark")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := exec.Command("git", "archive", previous)
	archive.Dir = root
	files, err := archive.Output()
	if err != nil {
		t.Fatalf("git archive %s: %v", previous, err)
	}
	unpack := exec.Command("tar", "-x", "-C", tree)
	unpack.Stdin = bytes.NewReader(files)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	build := exec.Command("go", "build", "-o", binary, "./cmd/pressmark")
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", previous, err, out)
	}

	in.postgres("", "createdb", "-U", "pressmark", "old")
	old := exec.Command(binary, "user", "create", "--email", "admin@example.com", "--username", "admin", "--admin")
	old.Env = append(os.Environ(), "DATABASE_URL=postgres://pressmark:"+in.env["POSTGRES_PASSWORD"]+"@"+in.address("postgres")+":5432/old",
		"SECRET_KEY="+in.env["SECRET_KEY"], "PRESSMARK_PASSWORD="+password, "DATA_DIR="+dir)
	if out, err := old.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", previous, err, out)
	}
	before := in.pressmark("", "migrate", "status", "--database-url", "postgres://pressmark@postgres/old")
	if !strings.Contains(before, "missing") {
		t.Errorf("%s has the newest schema: %s", previous, before)
	}

	in.set(map[string]string{"DATABASE_URL": "postgres://pressmark@postgres/old"})
	in.must(nil, "up", "--detach", "--no-build")
	in.await("the new version", func() bool {
		return !strings.Contains(in.try("exec", "-T", "backend", "pressmark", "migrate", "status"), "missing")
	})
	in.healthy()
	s := login(t, in.front())
	if n := s.total(t, in.front()); n != 25 {
		t.Errorf("%d books after the upgrade", n)
	}
}

// previousVersion is what is upgraded from: a commit that is given, or the newest
// tag before this one, or a commit with an older schema; "" if there is none here.
func previousVersion(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("PRESSMARK_E2E_PREVIOUS"); given != "" {
		return given
	}
	describe := exec.Command("git", "describe", "--tags", "--abbrev=0", "HEAD^")
	describe.Dir = root
	if tag, err := describe.Output(); err == nil {
		return strings.TrimSpace(string(tag))
	}
	const withoutReaderState = "f3f7c8b^" // the one before migration 4
	parse := exec.Command("git", "rev-parse", "--verify", "--quiet", withoutReaderState)
	parse.Dir = root
	commit, err := parse.Output()
	if err != nil {
		t.Log("there is no tag and no older commit: PRESSMARK_E2E_PREVIOUS names one to upgrade from")
		return ""
	}
	return strings.TrimSpace(string(commit))
}

// checkScale puts a second backend beside the first, which nginx finds, and takes
// the first one away, while requests come, of which none may fail.
func checkScale(t *testing.T, in *installation) {
	t.Helper()
	s, old := login(t, in.front()), in.container("backend")
	over, failed := make(chan struct{}), make(chan string, 1)
	go func() { failed <- s.steady(in.front(), over) }()
	in.must(nil, "up", "--detach", "--no-build", "--no-recreate", "--scale", "backend=2")
	in.await("both in good health", func() bool {
		states := map[string]bool{}
		for _, id := range strings.Fields(in.must(nil, "ps", "-q", "backend")) {
			states[output(t, docker(), "inspect", "--format", "{{.State.Health.Status}}", id)] = true
		}
		return len(states) == 1 && states["healthy"]
	})
	in.await("answers of both", func() bool {
		return len(addresses(in.try("logs", "--no-color", "--tail", "200", "nginx"))) >= 2
	})
	output(t, docker(), "stop", "--time", "30", old)
	output(t, docker(), "rm", old)
	in.must(nil, "up", "--detach", "--no-build", "--no-recreate", "--scale", "backend=1")
	if left := strings.Fields(in.must(nil, "ps", "-q", "backend")); len(left) != 1 || left[0] == old {
		t.Errorf("the backends are %q then, and %s was to go", left, old)
	}
	close(over)
	if said := <-failed; said != "" {
		t.Errorf("a request failed meanwhile: %s", said)
	}
}

// container is the id of the container of a service.
func (in *installation) container(service string) string {
	in.t.Helper()
	return strings.TrimSpace(in.must(nil, "ps", "-q", service))
}

// address is that of the container of a service, which this machine reaches.
func (in *installation) address(service string) string {
	in.t.Helper()
	return output(in.t, docker(), "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", in.container(service))
}

// healthy waits until nginx has found the backend.
func (in *installation) healthy() {
	in.t.Helper()
	in.await("an answer through nginx", func() bool { return answers(in.front() + "/api/health/ready") })
}
