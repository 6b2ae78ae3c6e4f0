package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pressmark/pressmark"

// contracts are the packages with nothing but the standard library below them.
var contracts = []string{"cache", "catalog", "readerstate", "storage", "watch"}

// roots are all packages that hold contracts. Hashing passwords and comparing
// names takes more than the standard library has.
var roots = append([]string{"auth"}, contracts...)

// folders are those of the module that hold packages.
var folders = []string{
	"catalog", "storage", "watch", "cache", "auth", "readerstate", "migrations", "httpapi", "cmd", "internal", "examples",
}

// imports returns what each package of the module imports, without its tests,
// by paths inside the module. Other paths stay as they are.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, imp := range p.Imports {
			p.Imports[i] = strings.TrimPrefix(imp, module+"/")
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p.Imports
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// below reports whether path is root or a package below it.
func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// ours reports whether path is of this module.
func ours(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return slices.Contains(folders, first)
}

// standard reports whether path is of the standard library.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && !ours(path)
}

func TestContractsImportOnlyTheStandardLibrary(t *testing.T) {
	all := imports(t)
	for _, c := range contracts {
		imps, ok := all[c]
		if !ok {
			t.Errorf("there is no package %s", c)
		}
		for _, imp := range imps {
			if !standard(imp) {
				t.Errorf("%s imports %s: a contract stands on the standard library alone", c, imp)
			}
		}
	}
}

// TestDirection holds each package against the rule that its place gives it.
func TestDirection(t *testing.T) {
	for pkg, imps := range imports(t) {
		for _, imp := range imps {
			if why := broken(pkg, imp); why != "" {
				t.Errorf("%s imports %s: %s", pkg, imp, why)
			}
		}
	}
}

// broken says why pkg must not import imp, "" if it may.
func broken(pkg, imp string) string {
	switch {
	case below(imp, "cmd"), below(imp, "examples"):
		return "programs are not imported"
	case imp == "testing":
		if !testSupport(pkg) {
			return "only packages for tests link testing"
		}
	case below(imp, "internal") && testSupport(imp) && testSupport(pkg):
		// What packages for tests have in common.
	case ours(imp) && testSupport(imp) && !testSupport(pkg) && !below(pkg, "internal"):
		return "packages for tests are linked by tests alone"
	case below(pkg, "migrations") && ours(imp) && !below(imp, "migrations"):
		return "the tables are below the stores that use them"
	case below(imp, "internal") && !below(pkg, "internal"):
		return "what is in internal must not be needed by what embedders import"
	case imp == "httpapi/server":
		if !below(pkg, "cmd") && !below(pkg, "internal") && !below(pkg, "examples") {
			return "the composition root is above all but programs"
		}
	case below(imp, "httpapi"):
		if slices.ContainsFunc(roots, func(c string) bool { return below(pkg, c) }) || below(pkg, "migrations") {
			return "adapters do not know who uses them"
		}
	case below(pkg, "httpapi") && pkg != "httpapi/server":
		if below(imp, "migrations") {
			return "httpapi does not know how anything is kept"
		}
		for _, c := range roots {
			if imp != c && below(imp, c) {
				return "httpapi knows contracts, not adapters"
			}
		}
	default:
		return sideways(pkg, imp)
	}
	return ""
}

// sideways finds adapters that import what is under another contract. The
// contracts themselves they may import: calibre reads through a watch.Watcher.
func sideways(pkg, imp string) string {
	for _, own := range roots {
		if pkg == own && own == "auth" && below(imp, "migrations") {
			return "a contract does not know how it is kept"
		}
		if pkg == own || !below(pkg, own) {
			continue
		}
		for _, other := range roots {
			if other != own && imp != other && below(imp, other) {
				return "an adapter does not import another contract's adapters"
			}
		}
	}
	return ""
}

// testSupport reports whether a package exists for tests.
func testSupport(pkg string) bool {
	last := pkg[strings.LastIndexByte(pkg, '/')+1:]
	return strings.HasSuffix(last, "test")
}

// TestBroken makes sure that the rule can fail.
func TestBroken(t *testing.T) {
	for _, c := range []struct {
		pkg, imp string
		broken   bool
	}{
		{"catalog/calibre", "watch", false},
		{"catalog/calibre", "catalog/index", false},
		{"catalog/calibre", "watch/fswatch", true},
		{"catalog/calibre", "httpapi", true},
		{"storage/localstore", "catalog/index", true},
		{"httpapi", "catalog", false},
		{"httpapi", "httpapi/covers", false},
		{"httpapi", "catalog/index", true},
		{"httpapi", "storage/localstore", true},
		{"httpapi/covers", "storage/memstore", true},
		{"httpapi", "httpapi/server", true},
		{"httpapi/server", "storage/localstore", false},
		{"cmd/pressmark", "httpapi/server", false},
		{"httpapi/server", "cmd/pressmark", true},
		{"auth/sqliteauth", "migrations", false},
		{"auth", "migrations", true},
		{"auth/pgauth", "storage/memstore", true},
		{"auth/pgauth", "httpapi", true},
		{"migrations", "httpapi", true},
		{"httpapi", "auth", false},
		{"httpapi", "auth/sqliteauth", true},
		{"httpapi/covers", "migrations", true},
		{"catalog", "internal/bench", true},
		{"storage", "testing", true},
		{"storage/storagetest", "testing", false},
		{"storage/memstore", "storage/storagetest", true},
		{"internal/bench", "catalog/calibre/calibretest", false},
		{"migrations", "readerstate", true},
		{"migrations/migrationstest", "migrations", false},
		{"migrations/migrationstest", "testing", false},
		{"migrations/migrationstest", "internal/containertest", false},
		{"migrations/migrationstest", "internal/bench", true},
		{"cache/rediscache", "internal/containertest", true},
	} {
		if got := broken(c.pkg, c.imp) != ""; got != c.broken {
			t.Errorf("broken(%s, %s) = %v", c.pkg, c.imp, got)
		}
	}
}
