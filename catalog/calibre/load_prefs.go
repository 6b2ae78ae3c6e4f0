package calibre

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
)

// isWanted reports whether answers depend on a preference. Nothing else is read:
// plugins keep their settings, keys included, in the same table.
func isWanted(preference string) bool {
	switch preference {
	case "bools_are_tristate", "categories_using_hierarchy", "grouped_search_make_user_categories", "grouped_search_terms",
		"saved_searches", "user_categories", "virtual_libraries":
		return true
	}
	return false
}

// readPreferences returns the preferences as one JSON object in canonical form: equal
// preferences are equal bytes.
func (sc *schema) readPreferences(ctx context.Context, s *source, w *warnings) ([]byte, error) {
	prefs := map[string]any{}
	if !sc.has("preferences", "key") || !sc.has("preferences", "val") {
		return json.Marshal(prefs)
	}
	err := s.each(ctx, "preferences", "SELECT key, val FROM preferences ORDER BY rowid", func(v []driver.Value) {
		key, _ := text(v[0])
		if !isWanted(key) {
			return
		}
		val, _ := text(v[1])
		dec := json.NewDecoder(bytes.NewReader([]byte(val)))
		dec.UseNumber() // as it is written, not as a float64 can hold it
		var x any
		if dec.Decode(&x) != nil {
			w.add("damaged preference " + key)
			return
		}
		prefs[key] = x
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(prefs) // keys sorted, no white space
}

// hierarchies returns the fields whose values name places in a hierarchy, by
// Calibre's keys.
func hierarchies(prefs []byte) []string {
	var p struct {
		Fields []string `json:"categories_using_hierarchy"`
	}
	if json.Unmarshal(prefs, &p) != nil {
		return nil
	}
	return p.Fields
}
