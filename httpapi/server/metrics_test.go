package server

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetricsPage: every metric is in docs/observability.md with its labels, and
// nothing else is.
func TestMetricsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (?:counter|gauge|histogram) \\| ([^|]*)\\|").FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = strings.Join(strings.Fields(strings.ReplaceAll(m[2], ",", " ")), ",")
	}
	s := open(t, sampleConfig(t))
	descs := make(chan *prometheus.Desc, 1000)
	s.metrics.registry.Describe(descs)
	newDownloadsCollector(nil).Describe(descs) // which only some servers have
	close(descs)
	there := map[string]bool{}
	name, labels := regexp.MustCompile(`fqName: "([^"]+)"`), regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
	for d := range descs {
		n, l := name.FindStringSubmatch(d.String())[1], labels.FindStringSubmatch(d.String())[1]
		if strings.HasPrefix(n, "go_") || strings.HasPrefix(n, "process_") {
			continue
		}
		there[n] = true
		if given, ok := documented[n]; !ok || given != l {
			t.Errorf("%s has the labels %q; the page says %q, %v", n, l, given, ok)
		}
	}
	for n := range documented {
		if !there[n] {
			t.Errorf("%s is in the page only", n)
		}
	}
	for _, n := range regexp.MustCompile(`(?m)expr: .*$`).FindAllString(string(page), -1) {
		found := false
		for m := range there {
			found = found || strings.Contains(n, m)
		}
		if !found {
			t.Errorf("no metric is in %s", n)
		}
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(families)
	for _, want := range []string{"catalog_age_seconds", "catalog_info", "database_connections_max", "catalog_refresh_duration_seconds"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not gathered", want)
		}
	}
}

// TestProfiles: profiles are on the listener of metrics, and there alone.
func TestProfiles(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c := sampleConfig(t)
	c.MetricsAddr = ln.Addr().String()
	url := serve(t, open(t, c))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		within(t, path+" is served", func() bool {
			code, _, err := fetch(t.Context(), client, "http://"+c.MetricsAddr+path)
			return err == nil && code == http.StatusOK
		})
		if code, _, err := fetch(t.Context(), client, url+path); err != nil || code != http.StatusNotFound {
			t.Errorf("%s on the public listener: %d, %v", path, code, err)
		}
	}
}
