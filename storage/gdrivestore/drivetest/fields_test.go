package drivetest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/api/drive/v3"
)

// String is the mask in its shortest form, for tests.
func (m mask) String() string {
	if m.all {
		return "*"
	}
	raw, _ := json.Marshal(m.tree())
	return string(raw)
}

func (m mask) tree() any {
	if m.all {
		return "*"
	}
	tree := map[string]any{}
	for name, sub := range m.sub {
		tree[name] = sub.tree()
	}
	return tree
}

func TestFields(t *testing.T) {
	list, file := reflect.TypeFor[drive.FileList](), reflect.TypeFor[drive.File]()
	for _, c := range []struct {
		of   reflect.Type
		s    string
		want string // or, with a !, the part that is refused
	}{
		{file, "id", `{"id":"*"}`},
		{file, " id , name ", `{"id":"*","name":"*"}`},
		{file, "*", "*"},
		{file, "id,*", "*"},
		{list, "files(id,name),nextPageToken", `{"files":{"id":"*","name":"*"},"nextPageToken":"*"}`},
		{list, "files/id,files/name", `{"files":{"id":"*","name":"*"}}`},
		{list, "files(id, shortcutDetails(targetId,targetMimeType)), incompleteSearch", `{"files":{"id":"*","shortcutDetails":{"targetId":"*","targetMimeType":"*"}},"incompleteSearch":"*"}`},
		{list, "files(shortcutDetails/targetId)", `{"files":{"shortcutDetails":{"targetId":"*"}}}`},
		{list, "files", `{"files":"*"}`},
		{list, "files(*)", `{"files":"*"}`},
		{list, "files/capabilities(canDownload),files(owners/displayName)", `{"files":{"capabilities":{"canDownload":"*"},"owners":{"displayName":"*"}}}`},
		{file, "exportLinks/anything", `{"exportLinks":{"anything":"*"}}`},
		{list, "id", "!id"},
		{list, "items(id, title)", "!items"},
		{list, "files(nonsense)", "!nonsense"},
		{file, "id(x)", "!x"},
		{file, "ForceSendFields", "!ForceSendFields"},
		{file, "-", "!-"},
		{file, "", "!"},
		{file, "id,", "!"},
		{file, "id name", "!name"},
		{list, "files(id", "!"},
		{list, "files(id))", "!)"},
		{list, "files()", "!)"},
		{list, "files/", "!"},
	} {
		m, err := parseFields(c.s, c.of)
		got := m.String()
		if err != nil {
			got = strings.Replace(err.Error(), "Invalid field selection ", "!", 1)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.s, got, c.want)
		}
	}
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{"nextPageToken,files(id,shortcutDetails(targetId))", "files/id", "*", "files(*),kind", "((("} {
		f.Add(s)
	}
	t := reflect.TypeFor[drive.FileList]()
	f.Fuzz(func(test *testing.T, s string) {
		m, err := parseFields(s, t)
		if err != nil {
			return
		}
		if both := m.union(m); both.String() != m.String() {
			test.Errorf("%s and itself is %s", m, both)
		}
		again, err := parseFields(s+" , "+s, t)
		if err != nil || again.String() != m.String() {
			test.Errorf("twice %q: %s, %v", s, again, err)
		}
		for name := range m.sub {
			if _, ok := fieldType(t, name); !ok {
				test.Errorf("%q is no field", name)
			}
		}
	})
}
