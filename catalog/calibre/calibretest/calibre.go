package calibretest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// RequireCalibre skips the test when Calibre's programs calibre-debug and
// calibredb are not in PATH. With PRESSMARK_REQUIRE_CALIBRE=1 in the
// environment, as in continuous integration, it fails it instead.
func RequireCalibre(tb testing.TB) {
	tb.Helper()
	for _, program := range []string{"calibre-debug", "calibredb"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PRESSMARK_REQUIRE_CALIBRE") == "1" {
				tb.Fatalf("this test needs Calibre, and PRESSMARK_REQUIRE_CALIBRE=1: %v", err)
			}
			tb.Skipf("this test needs Calibre; install it to run the test: %v", err)
		}
	}
}

// command prepares one of Calibre's programs so that it needs no display and
// neither reads nor changes the configuration of the user.
func command(ctx context.Context, config, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	for _, v := range os.Environ() {
		// It names the database of the user's own library, also when it is empty.
		if !strings.HasPrefix(v, "CALIBRE_OVERRIDE_DATABASE_PATH=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "QT_QPA_PLATFORM=offscreen", "CALIBRE_CONFIG_DIRECTORY="+config, "CALIBRE_OVERRIDE_LANG=en")
	return cmd
}

// Debug runs a Python script in calibre-debug and returns what it printed. The
// script finds args in sys.argv[1:]. A script that fails ends the test with what
// it wrote to stderr. Starting takes half a second; a [Driver] does it once.
func Debug(tb testing.TB, script string, args ...string) string {
	tb.Helper()
	RequireCalibre(tb)
	dir := tb.TempDir()
	file := filepath.Join(dir, "script.py")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := command(tb.Context(), dir, "calibre-debug", append([]string{"-e", file, "--"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("calibre-debug: %v\n%s", err, &stderr)
	}
	return stdout.String()
}

// CalibreDB runs calibredb on the library in a folder and returns its stdout:
//
//	calibretest.CalibreDB(t, dir, "set_metadata", "--field", "title:New", "1")
//
// Calibre allows one calibredb at a time for a user of a machine; while tests
// of another package run theirs, this one waits and tries again. Any other
// failure ends the test with what calibredb wrote to stderr.
func CalibreDB(tb testing.TB, library string, args ...string) string {
	tb.Helper()
	RequireCalibre(tb)
	config := tb.TempDir()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		cmd := command(tb.Context(), config, "calibredb", append(args[:len(args):len(args)], "--with-library", library)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if err == nil {
			return stdout.String()
		}
		if !strings.Contains(stderr.String(), "Another calibre program") {
			tb.Fatalf("calibredb %s: %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		select {
		case <-again.C:
		case <-tb.Context().Done():
			tb.Fatalf("calibredb %s: %v\n%s", strings.Join(args, " "), tb.Context().Err(), &stderr)
		}
	}
}
