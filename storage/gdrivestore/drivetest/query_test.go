package drivetest

import (
	"strings"
	"testing"
	"time"
)

func TestQuery(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	d := New(Options{Now: func() time.Time { return now }})
	folder := d.AddFolder(d.Root(), "HelloWorld folder")
	f := d.AddFile(folder, `Valentine's \ Day.epub`, nil)
	gone := d.AddFile(folder, "gone.pdf", nil)
	if d.Trash(gone) != nil {
		t.Fatal("no trash")
	}
	all := map[string]string{"h": folder, "v": f, "g": gone}
	for q, want := range map[string]string{
		"":                                                "hvg",
		"name = 'HelloWorld folder'":                      "h",
		"name='helloworld folder'":                        "",
		"name != 'gone.pdf'":                              "hv",
		"name contains 'Hello'":                           "h",
		"name contains 'hello'":                           "h",
		"name contains 'World'":                           "",
		"name contains 'fold'":                            "h",
		"name contains 'HelloWorld fo'":                   "h",
		`name = 'Valentine\'s \\ Day.epub'`:               "v",
		"mimeType contains 'application/vn'":              "h",
		"mimeType = 'application/pdf'":                    "g",
		"not mimeType = 'application/pdf'":                "hv",
		"trashed = true":                                  "g",
		"trashed=false":                                   "hv",
		"trashed != true":                                 "hv",
		"starred = true":                                  "",
		"'" + folder + "' in parents":                     "vg",
		"'" + folder + "' in parents and trashed = false": "v",
		"not '" + folder + "' in parents":                 "h",
		"'" + folder + "' in parents or '" + d.Root() + "' in parents":                        "hvg",
		"('" + folder + "' in parents or '" + d.Root() + "' in parents) and not trashed=true": "hv",
		"'" + folder + "' in parents and '" + d.Root() + "' in parents":                       "",
		"trashed = true or name = 'HelloWorld folder' and mimeType != 'x'":                    "hg",
		"name = 'HelloWorld folder' or trashed = true and trashed = false":                    "h", // from the left
		"name = 'gone.pdf' or (trashed = true and trashed = false)":                           "g",
		"modifiedTime > '2026-05-01T00:00:00' and createdTime <= '2026-05-01T14:00:00+02:00'": "hvg",
		"modifiedTime > '2026-05-01T12:00:00Z'":                                               "",
		" \t( ( name = 'gone.pdf' ) ) ":                                                       "g",
		"name >= 'a'":                                                                         "?",
		"name = gone":                                                                         "?",
		`name = "gone.pdf"`:                                                                   "?",
		"name = 'gone.pdf":                                                                    "?",
		`name = 'a\n'`:                                                                        "?",
		`name = 'a\`:                                                                          "?",
		"title = 'x'":                                                                         "?",
		"id = 'x'":                                                                            "?",
		"trashed = 'true'":                                                                    "?",
		"trashed = maybe":                                                                     "?",
		"trashed":                                                                             "?",
		"trashed = true and":                                                                  "?",
		"trashed = true trashed = true":                                                       "?",
		"(trashed = true":                                                                     "?",
		"trashed = true)":                                                                     "?",
		"()":                                                                                  "?",
		"not":                                                                                 "?",
		"'a' in owners":                                                                       "?",
		"'a' = parents":                                                                       "?",
		"'a' 'in' parents":                                                                    "?",
		"modifiedTime > 'yesterday'":                                                          "?",
		"modifiedTime contains '2026'":                                                        "?",
		"é = 'x'":                                                                             "?",
		strings.Repeat("(", 200) + "trashed = true" + strings.Repeat(")", 200): "?",
		strings.Repeat("not ", 200) + "trashed = true":                         "?",
		"name = 'a';":                       "?",
		"trashed = true AND trashed = true": "?",
	} {
		e, err := parseQuery(q)
		if err != nil {
			if want != "?" {
				t.Errorf("%s: %v", q, err)
			}
			continue
		}
		got := ""
		for _, name := range []string{"h", "v", "g"} {
			if e.matches(d, d.files[all[name]]) {
				got += name
			}
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", q, got, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"'id' in parents and trashed = false", `name = 'it\'s \\'`, "not (name contains 'x' or mimeType != 'y')",
		"modifiedTime > '2026-05-01T12:00:00Z'", "starred = true", "(((",
	} {
		f.Add(q)
	}
	d := New(Options{})
	d.Put("id/it's", nil)
	f.Fuzz(func(t *testing.T, q string) {
		e, err := parseQuery(q)
		if err != nil || strings.Count(q, "(")+strings.Count(q, "not") >= maxDepth-1 {
			return
		}
		in := map[string]bool{}
		for _, id := range named(e) {
			in[d.alias(id)] = true
		}
		parents, limited := e.parents()
		of := map[string]bool{}
		for _, id := range parents {
			if of[d.alias(id)] = true; !in[d.alias(id)] {
				t.Errorf("%q is no parent of the query", id)
			}
		}
		// What is in brackets is the same, twice not is nothing, and the files that
		// match are in the parents that the query is limited to.
		same, err := parseQuery("(" + q + ")")
		if err != nil && strings.Trim(q, " \t\r\n") != "" {
			t.Fatal(err)
		}
		for _, file := range d.files {
			matches := e.matches(d, file)
			if same != nil && same.matches(d, file) != matches || (not{not{e}}).matches(d, file) != matches {
				t.Errorf("%s is not the same", file.name)
			}
			if limited && matches && !of[file.parent] {
				t.Errorf("%s is elsewhere", file.name)
			}
		}
	})
}

func TestContainsWords(t *testing.T) {
	for _, c := range []struct {
		s, prefix string
		want      bool
	}{
		{"HelloWorld", "Hello", true},
		{"HelloWorld", "World", false},
		{"hello_world", "world", true},
		{"Ærlig ålborg", "ål", true},
		{"Ærlig ålborg", "lborg", false},
		{"", "", true},
		{"", "x", false},
		{"a b c", "b c", true},
	} {
		if got := containsWords(c.s, c.prefix); got != c.want {
			t.Errorf("%q in %q: %v", c.prefix, c.s, got)
		}
	}
}
