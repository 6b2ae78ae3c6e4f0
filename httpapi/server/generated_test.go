package server

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// "make generate" sets it.
var update = flag.Bool("update", false, "write the files that are made from the settings")

// TestGenerated compares what users read about settings with what the program
// knows of them.
func TestGenerated(t *testing.T) {
	for path, render := range map[string]func(old string) (string, error){
		"../../.env.example":          func(string) (string, error) { return envExample(), nil },
		"../../docs/configuration.md": configurationPage,
	} {
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := render(string(old))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if want == string(old) {
			continue
		}
		if !*update {
			t.Errorf(`%s is out of date; run "make generate"`, path)
			continue
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// unit explains what stands for a value.
func unit(value string) string {
	switch value {
	case "DURATION":
		return "duration: 2s, 1m30s or 30 (seconds)"
	case "SIZE":
		return "size: 128MiB, 1GB or 1048576 (bytes)"
	case "BOOL":
		return "true or false"
	}
	return strings.ToLower(value)
}

func envExample() string {
	var b strings.Builder
	b.WriteString(`# Settings of "pressmark serve". Each is shown with its default; remove the "#" to
# change it. The program reads its environment, not this file: docker compose
# and "set -a; . ./.env" bring one into the other.
# For each NAME there is NAME_FILE, the path of a file that holds the value.
# Made by "make generate".
`)
	for _, s := range settings() {
		if s.group != "" {
			fmt.Fprintf(&b, "\n# == %s\n", s.group)
		}
		fmt.Fprintf(&b, "\n# %s\n# (%s)\n#%s=%s\n", s.help, unit(s.value), s.name, s.def)
	}
	return b.String()
}

// configurationPage replaces what stands between two marks.
func configurationPage(old string) (string, error) {
	const begin, end = "<!-- settings: begin (made by \"make generate\") -->\n", "<!-- settings: end -->"
	head, rest, ok := strings.Cut(old, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("the marks are missing")
	}
	var b strings.Builder
	for _, s := range settings() {
		if s.group != "" {
			fmt.Fprintf(&b, "\n### %s\n\n| variable | flag | default | value | meaning |\n|---|---|---|---|---|\n", s.group)
		}
		use := "`--" + s.flag() + "`"
		if s.short != "" {
			use += ", `--" + s.short + "`"
		}
		def := "none"
		if s.def != "" {
			def = "`" + s.def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.name, use, def, unit(s.value), s.help)
	}
	return head + begin + b.String() + "\n" + end + tail, nil
}
