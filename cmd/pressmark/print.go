package main

import (
	"bytes"
	"io"
	"runtime/debug"

	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/pressmark/pressmark/httpapi"
)

// openapi prints the description of the API.
func openapi(args []string, stdout io.Writer) error {
	asYAML := len(args) == 1 && args[0] == "--yaml"
	if len(args) > 0 && !asYAML {
		return usageError{"usage: pressmark openapi [--yaml]"}
	}
	doc, err := httpapi.OpenAPI(httpapi.Options{Version: version()})
	if err != nil {
		return err
	}
	doc = append(bytes.TrimSpace(doc), '\n')
	if asYAML {
		return yaml.Convert(stdout, bytes.NewReader(doc))
	}
	_, err = stdout.Write(doc)
	return err
}

func printVersion(args []string, stdout io.Writer) error {
	if len(args) > 0 {
		return usageError{"usage: pressmark version"}
	}
	_, err := io.WriteString(stdout, "pressmark "+version()+"\n")
	return err
}

// buildVersion is the version that a release is given when it is built:
// go build -ldflags "-X main.buildVersion=v1.2.3".
var buildVersion string

// version is what the program was built as, else that of the module, where it
// was built from a published one, else the commit.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "dev-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "dev"
}
