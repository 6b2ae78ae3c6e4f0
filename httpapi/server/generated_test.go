package server

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
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
		"../../docker-compose.yml":    composeFile,
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
# change it. docker-compose.yml has other defaults for DATABASE_URL, REDIS_URL,
# SHUTDOWN_TIMEOUT (25s) and SHUTDOWN_DELAY (5s), and sets LISTEN_ADDR and DATA_DIR.
# The program reads its environment, not this file: docker compose
# and "set -a; . ./.env" bring one into the other.
# For each NAME there is NAME_FILE, the path of a file that holds the value.
# Made by "make generate".

# == Docker Compose

# With docker-compose.yml these three have to be set, and nothing else; others
# that only it reads stand below them. Write no $ in a value: some versions of
# Compose take it for a variable.
#
# CALIBRE_LIBRARY_PATH: the library's folder on this machine (below)
# SECRET_KEY: openssl rand -base64 48 (below)
# The password of the database that it starts: openssl rand -hex 24
#POSTGRES_PASSWORD=

# Ports of this machine: of nginx, of the server itself (127.0.0.1 only), and of
# the S3 server, if that is started.
#NGINX_PORT=80
#BACKEND_PORT=8000
#S3_PORT=7070

# User and group as whom the server runs, if others than 65532:65532 can read the
# library: id -u, id -g.
#PRESSMARK_USER=65532:65532

# The first three parts of the addresses of the containers.
#PRESSMARK_NETWORK=172.30.243

# Memory of the containers. The server begins to save it at nine tenths, or at
# GOMEMLIMIT (1800MiB).
#PRESSMARK_MEMORY=2g
#GOMEMLIMIT=
#POSTGRES_MEMORY=1g

# Images, of mirrors or of your own, and the version that a build shows.
#PRESSMARK_IMAGE=pressmark
#BUILD_IMAGE=golang:1.26-bookworm
#POSTGRES_IMAGE=postgres:17
#REDIS_IMAGE=redis:7-alpine
#NGINX_IMAGE=nginx:1.28-alpine
#S3_IMAGE=versity/versitygw:v1.8.0
#VERSION=dev
`)
	for _, s := range settings() {
		if s.group != "" {
			fmt.Fprintf(&b, "\n# == %s\n", s.group)
		}
		fmt.Fprintf(&b, "\n# %s\n# (%s)\n#%s=%s\n", s.help, unit(s.value), s.name, s.def)
	}
	return b.String()
}

// configurationPage is the page with the table of all settings.
func configurationPage(old string) (string, error) {
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
	b.WriteString("\n")
	return between(old, "<!-- settings: begin (made by \"make generate\") -->\n", b.String(), "<!-- settings: end -->")
}

// between replaces what stands between two marks.
func between(old, begin, text, end string) (string, error) {
	head, rest, ok := strings.Cut(old, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("the marks are missing")
	}
	return head + begin + text + end + tail, nil
}

// composeFile passes on all settings but those that the file itself sets.
func composeFile(old string) (string, error) {
	const begin, end, indent = "# settings: begin (made by \"make generate\")\n", "# settings: end\n", "      "
	rest, err := between(old, begin, "", end)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var names []string
	for _, s := range settings() {
		names = append(names, s.name)
	}
	// What is not there yet is refused by name, and so has to get there.
	names = append(names, slices.Sorted(maps.Keys(later()))...)
	// And what libraries read by themselves.
	names = append(names, "GOMEMLIMIT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED")
	for _, name := range names {
		if !strings.Contains(rest, "\n"+indent+name+": ") {
			b.WriteString(indent + name + ":\n")
		}
	}
	return between(old, begin, b.String()+indent, end)
}
