package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// diagnosed makes all checks.
func diagnosed(t *testing.T, c Config, now func() time.Time) (all []Finding) {
	t.Helper()
	diagnose(t.Context(), c, c.Check(), now, func(f Finding) { all = append(all, f) })
	return all
}

// healthy is a set-up in which nothing is wrong.
func healthy(t *testing.T) Config {
	t.Helper()
	c := sampleConfig(t)
	c.ThumbnailCacheMaxBytes = 1 << 20
	if err := os.Chmod(c.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	return c
}

// wrongs are the findings that are not well.
func wrongs(all []Finding) (bad []Finding) {
	for _, f := range all {
		if f.State != FindingOK {
			bad = append(bad, f)
		}
	}
	return bad
}

// theFile returns the path of the one file of a library that matches.
func theFile(t *testing.T, c Config, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.Libraries[0].Path, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// seeded is a fault, and how it has to be found.
type seeded struct {
	seed  func(t *testing.T, c *Config)
	check string
	state string
	text  string // in the message
	cure  string // in the cure
}

// must ends the test when something cannot be seeded.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// localFaults are those of one machine.
func localFaults() map[string]seeded {
	alter := func(statements ...string) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) {
			must(t, calibretest.Alter(database(c.Libraries[0].Path), statements...))
		}
	}
	damage := func(f func(string) error) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) { must(t, f(database(c.Libraries[0].Path))) }
	}
	set := func(f func(c *Config)) func(*testing.T, *Config) { return func(_ *testing.T, c *Config) { f(c) } }
	return map[string]seeded{
		"example key":         {set(func(c *Config) { c.SecretKey = "your-secret-key-change-in-production" }), "settings", FindingFault, "SECRET_KEY", "SECRET_KEY"},
		"weak key":            {set(func(c *Config) { c.SecretKey = "short" }), "settings", FindingFault, "5 bytes", "SECRET_KEY"},
		"broken base URL":     {set(func(c *Config) { c.BaseURL = "books.example" }), "settings", FindingFault, "BASE_URL", "BASE_URL"},
		"untrusted proxy":     {set(func(c *Config) { c.BaseURL = "https://books.example" }), "settings", FindingWarning, "no proxy is trusted", "TRUSTED_PROXIES"},
		"all proxies":         {set(func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }), "settings", FindingWarning, "0.0.0.0/0", "name the networks"},
		"all origins":         {set(func(c *Config) { c.CORSOrigins = []string{"*"} }), "settings", FindingWarning, "CORS_ORIGINS", "name the origins"},
		"public without TLS":  {set(func(c *Config) { c.ListenAddr = "8.8.8.8:0" }), "network", FindingWarning, "PUBLIC_READ", "TLS_CERT_FILE"},
		"public metrics":      {set(func(c *Config) { c.MetricsAddr = "8.8.8.8:9090" }), "network", FindingWarning, "METRICS_ADDR", "127.0.0.1:9090"},
		"address of others":   {set(func(c *Config) { c.ListenAddr = "192.0.2.1:8000" }), "listen", FindingFault, "192.0.2.1:8000", "LISTEN_ADDR"},
		"address taken":       {takenAddress, "listen", FindingFault, "taken by another program", "ss -ltnp"},
		"no certificate":      {set(func(c *Config) { c.TLSCertFile, c.TLSKeyFile = "/no/such.pem", "/no/such.key" }), "tls", FindingFault, "/no/such.pem", "PEM"},
		"expired certificate": {withCertificate(-time.Hour, ""), "tls", FindingFault, "has expired", "renew"},
		"certificate expires": {withCertificate(24*time.Hour, ""), "tls", FindingWarning, "expires on", "renew"},
		"other host":          {withCertificate(90*24*time.Hour, "https://other.example"), "tls", FindingFault, "not for the host", "other.example"},
		"http behind TLS":     {withCertificate(90*24*time.Hour, "http://books.example"), "settings", FindingFault, "begins with http:", "https://books.example"},
		"data in library":     {set(func(c *Config) { c.DataDir = filepath.Join(c.Libraries[0].Path, "data") }), "data", FindingFault, "inside library", "elsewhere"},
		"data is a file": {set(func(c *Config) {
			c.DataDir = database(c.Libraries[0].Path) + ".file"
			_ = os.WriteFile(c.DataDir, nil, 0o600)
		}), "data", FindingFault, "is a file", "to a folder"},
		"data open": {func(t *testing.T, c *Config) { must(t, os.Chmod(c.DataDir, 0o755)) }, "data", FindingWarning, "0755", "chmod 700"},
		"key open":  {func(t *testing.T, c *Config) { secretAs(t, c, 0o644) }, "data", FindingFault, "secret.key", "chmod 600"},
		"key cut": {func(t *testing.T, c *Config) {
			must(t, os.WriteFile(filepath.Join(c.DataDir, secretFile), []byte("abc"), 0o600))
		}, "data", FindingFault, "3 bytes", "openssl rand"},
		"no space": {set(func(c *Config) { c.ThumbnailCacheMaxBytes = 1 << 55 }), "data", FindingWarning, "free", "THUMBNAIL_CACHE_MAX_BYTES"},
		"state is no SQLite": {func(t *testing.T, c *Config) {
			must(t, os.WriteFile(filepath.Join(c.DataDir, stateFile), []byte(strings.Repeat("no database ", 1000)), 0o600))
		}, "database", FindingFault, stateFile, "backup"},
		"state behind":   {stateDown, "database", FindingWarning, "older version", "migrate up"},
		"restriction":    {restriction, "library.users", FindingFault, "nosuchcolumn", "restriction"},
		"no folder":      {set(func(c *Config) { c.Libraries[0].Path = "/no/such/folder" }), "library.folder", FindingFault, "/no/such/folder", "CALIBRE_LIBRARY_PATH"},
		"no metadata.db": {func(t *testing.T, c *Config) { must(t, os.Remove(database(c.Libraries[0].Path))) }, "library.folder", FindingFault, "metadata.db", "mounted"},
		"not Calibre's":  {damage(calibretest.Foreign), "library.database", FindingFault, "not Calibre's", "Calibre library"},
		"damaged":        {damage(func(path string) error { return calibretest.FlipBytes(path, 1) }), "library.database", FindingFault, "damaged", "restore_database"},
		"unknown schema": {damage(calibretest.Future), "library.database", FindingWarning, "99", "version of pressmark"},
		"hot journal":    {damage(calibretest.HotJournal), "library.database", FindingWarning, "in the middle of a change", "open the library in Calibre"},
		"no library id":  {alter(`DELETE FROM library_id`), "library.database", FindingWarning, "no id", "in Calibre once"},
		"locked":         {func(t *testing.T, c *Config) { holdExclusive(t, c) }, "library.database", FindingFault, "locked for more than", "fuser"},
		"format missing": {func(t *testing.T, c *Config) { must(t, os.Remove(theFile(t, *c, "*/* (1)/*.epub"))) }, "library.files", FindingFault, "not in the folder", "Check library"},
		"format cut":     {func(t *testing.T, c *Config) { must(t, os.Truncate(theFile(t, *c, "*/* (1)/*.epub"), 10)) }, "library.files", FindingWarning, "other sizes", "copy it again"},
		"cover missing":  {func(t *testing.T, c *Config) { must(t, os.Remove(theFile(t, *c, "*/* (1)/cover.jpg"))) }, "library.files", FindingWarning, "should have covers", "download covers"},
		"cover broken": {func(t *testing.T, c *Config) {
			must(t, os.WriteFile(theFile(t, *c, "*/* (1)/cover.jpg"), []byte("no image"), 0o600))
		}, "library.files", FindingWarning, "no images", "another cover"},
		"stray file": {func(t *testing.T, c *Config) {
			must(t, os.WriteFile(filepath.Join(filepath.Dir(theFile(t, *c, "*/* (1)/cover.jpg")), "stray.pdf"), nil, 0o600))
		}, "library.files", FindingWarning, "stray.pdf", "remove them"},
		"path leads out":  {alter(`UPDATE books SET path = '../../etc' WHERE id = 1`), "library.files", FindingFault, "lead out", "Check library"},
		"no Redis":        {set(func(c *Config) { c.RedisURL = "redis://127.0.0.1:1/0" }), "redis", FindingFault, "does not answer", "REDIS_URL"},
		"no PostgreSQL":   {set(func(c *Config) { c.DatabaseURL = "postgres://u:sesame@127.0.0.1:1/d" }), "database", FindingFault, "cannot be reached", "pg_hba.conf"},
		"far without TLS": {set(func(c *Config) { c.DatabaseURL = "postgres://u:sesame@db.invalid:1/d" }), "settings", FindingWarning, "does not insist on TLS", "sslmode"},
		"no Drive key": {set(func(c *Config) {
			c.Drive = Drive{Use: true, Credentials: "/no/such.json"}
			c.Libraries[0].DriveFolder = "abc"
		}), "drive", FindingFault, "/no/such.json", "service account"},
	}
}

// TestDoctor seeds faults one by one: each is found, and its cure named.
func TestDoctor(t *testing.T) {
	for name, s := range localFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := healthy(t)
			s.seed(t, &c)
			s.expect(t, diagnosed(t, c, time.Now))
		})
	}
}

func (s seeded) expect(t *testing.T, all []Finding) {
	t.Helper()
	for _, f := range all {
		if strings.Contains(f.Message, "sesame") {
			t.Errorf("a password is shown: %+v", f)
		}
		if f.Check == s.check && f.State == s.state && strings.Contains(f.Message, s.text) && strings.Contains(f.Cure, s.cure) {
			return
		}
	}
	t.Errorf("%s: %s was expected, with %q and %q; found:\n%s", s.state, s.check, s.text, s.cure, listed(wrongs(all)))
}

func listed(all []Finding) string {
	var lines strings.Builder
	for _, f := range all {
		fmt.Fprintf(&lines, "%+v\n", f)
	}
	return lines.String()
}

// TestDoctorHealthy finds nothing where nothing is wrong, before the first start
// and beside a server that runs, and changes nothing.
func TestDoctorHealthy(t *testing.T) {
	t.Run("any user", func(t *testing.T) { // as a volume of the image is
		c := healthy(t)
		must(t, os.Chmod(c.DataDir, 0o777|os.ModeSticky))
		if bad := wrongs(diagnosed(t, c, time.Now)); len(bad) > 0 {
			t.Error(listed(bad))
		}
	})
	c := healthy(t)
	before := tree(t, c.Libraries[0].Path)
	if bad := wrongs(diagnosed(t, c, time.Now)); len(bad) > 0 {
		t.Errorf("before the start:\n%s", listed(bad))
	}
	if entries, err := os.ReadDir(c.DataDir); err != nil || len(entries) > 0 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
	url := serve(t, open(t, c))
	c.ListenAddr = strings.TrimPrefix(url, "http://")
	all := diagnosed(t, c, time.Now)
	if bad := wrongs(all); len(bad) > 0 {
		t.Errorf("beside a server:\n%s", listed(bad))
	}
	if !strings.Contains(listed(all), "a pressmark server, version dev, answers") {
		t.Errorf("it does not know the server:\n%s", listed(all))
	}
	if after := tree(t, c.Libraries[0].Path); after != before {
		t.Errorf("the library was\n%s\nand is\n%s", before, after)
	}
}

// tree describes all files of a folder.
func tree(t *testing.T, root string) string {
	t.Helper()
	var lines strings.Builder
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&lines, path, info.Size(), info.ModTime(), info.Mode())
		}
		return err
	})
	must(t, err)
	return lines.String()
}

func takenAddress(t *testing.T, c *Config) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	c.ListenAddr = ln.Addr().String()
}

func secretAs(t *testing.T, c *Config, mode os.FileMode) {
	path := filepath.Join(c.DataDir, secretFile)
	must(t, os.WriteFile(path, []byte(strings.Repeat("0123456789abcdef", 3)), mode), os.Chmod(path, mode))
}

// stateDown leaves the database as an older version has it.
func stateDown(t *testing.T, c *Config) {
	s, err := OpenState(t.Context(), *c)
	must(t, err)
	_, err = s.Schema.Up(t.Context())
	must(t, err)
	_, err = s.Schema.Down(t.Context())
	must(t, err, s.Close())
}

// restriction adds a user whose restriction names a column that is gone.
func restriction(t *testing.T, c *Config) {
	s, err := OpenState(t.Context(), *c)
	must(t, err)
	_, err = s.Schema.Up(t.Context())
	must(t, err)
	_, err = s.Users.Create(t.Context(), auth.User{
		Email: "ada@example.org", Username: "ada", Role: auth.Reader,
		Access: auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "#nosuchcolumn:x and ("}}},
	}, "")
	must(t, err, s.Close())
}

func holdExclusive(t *testing.T, c *Config) {
	holder := start(t, roleExclusive, nil, database(c.Libraries[0].Path), "x")
	if line := holder.line(t); line != "held" {
		t.Fatal(line)
	}
	t.Cleanup(func() { must(t, holder.end()) })
}
