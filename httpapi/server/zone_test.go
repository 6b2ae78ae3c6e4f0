package server

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// TestTimeZone asks for the day on which book 1 was added, at noon in UTC, in a
// zone where that was the next day.
func TestTimeZone(t *testing.T) {
	for zone, day := range map[string]string{"UTC": "2024-01-01", "Pacific/Kiritimati": "2024-01-02"} {
		c := sampleConfig(t)
		var err error
		if c.TimeZone, err = time.LoadLocation(zone); err != nil {
			t.Fatal(err)
		}
		s := open(t, c)
		url := serve(t, s)
		status, body, err := fetch(t.Context(), http.DefaultClient, url+"/api/books?q=id:1+date:"+day)
		var page struct{ Total int }
		if err != nil || status != http.StatusOK || json.Unmarshal(body, &page) != nil || page.Total != 1 {
			t.Errorf("%s: %d %s, %v", zone, status, body, err)
		}
	}
}
