package httpapi

import (
	"context"

	"github.com/pressmark/pressmark/catalog"
)

// schema is what a library's fields are, looked up by name. It is made once
// for each revision.
type schema struct {
	revision catalog.Revision
	fields   []catalog.Field
	byName   map[string]*catalog.Field // keys and aliases; a key beats an alias
}

// schema returns the fields of the snapshot r, whose revision is rev.
func (l *library) schemaOf(ctx context.Context, r catalog.Reader, rev catalog.Revision) (*schema, error) {
	if s := l.schema.Load(); s != nil && s.revision == rev {
		return s, nil
	}
	fields, err := r.Fields(ctx)
	if err != nil {
		return nil, err
	}
	s := &schema{rev, fields, make(map[string]*catalog.Field, 2*len(fields))}
	for i := range fields {
		for _, alias := range fields[i].Aliases {
			s.byName[string(alias)] = &fields[i]
		}
	}
	for i := range fields {
		s.byName[string(fields[i].Key)] = &fields[i]
	}
	l.schema.Store(s)
	return s, nil
}

// sortKeys reads a sort parameter: keys between commas, minus descends.
func (s *schema) sortKeys(v string) ([]catalog.SortKey, error) {
	const most = 8
	var keys []catalog.SortKey
	for v != "" {
		var name string
		name, v = cutComma(v)
		desc := name != "" && name[0] == '-'
		if desc {
			name = name[1:]
		}
		key := catalog.SortKey{Field: catalog.FieldRelevance, Desc: desc}
		switch f := s.byName[name]; {
		case name == string(catalog.FieldRelevance):
			if desc {
				return nil, invalid("query.sort", name, "the most relevant books come first; there is no descending")
			}
		case f == nil:
			return nil, invalid("query.sort", name, "unknown field")
		case !f.Sortable:
			return nil, invalid("query.sort", name, "books cannot be sorted by")
		default:
			key.Field = f.Key
		}
		if len(keys) == most {
			return nil, invalid("query.sort", name, "more than 8 keys, from")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func isRelevance(k catalog.SortKey) bool { return k.Field == catalog.FieldRelevance }

// cutComma cuts v at its first comma; a comma at the end leaves an empty
// name, which is an unknown field.
func cutComma(v string) (name, rest string) {
	for i := range len(v) {
		if v[i] == ',' {
			if i == len(v)-1 {
				return v[:i], ","
			}
			return v[:i], v[i+1:]
		}
	}
	return v, ""
}
