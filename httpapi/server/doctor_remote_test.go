package server

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// TestDoctorServices looks at real servers: nothing is wrong with them at first,
// and then each of several things.
func TestDoctorServices(t *testing.T) {
	pool := migrationstest.Migrated(t)
	redis, prefix := redistest.Open(t)
	server := s3test.Open(t)
	bucket := server.Bucket(t)
	full := func(t *testing.T) Config {
		c := healthy(t)
		c.DatabaseURL, c.RedisURL, c.RedisPrefix = migrationstest.URL(pool), redis, prefix
		c.S3 = S3{Covers: true, Bucket: bucket, Endpoint: server.Endpoint, AccessKeyID: server.AccessKeyID, SecretAccessKey: server.SecretAccessKey}
		return c
	}
	c := full(t)
	if err := UploadCovers(t.Context(), c, Upload{}); err != nil {
		t.Fatal(err)
	}
	if bad := wrongs(diagnosed(t, c, time.Now)); len(bad) > 0 {
		t.Errorf("nothing is wrong, but:\n%s", listed(bad))
	}
	set := func(f func(c *Config)) func(*testing.T, *Config) { return func(_ *testing.T, c *Config) { f(c) } }
	password := func(c *Config) {
		u, _ := url.Parse(c.DatabaseURL)
		u.User = url.UserPassword(u.User.Username(), "sesame-that-is-wrong")
		c.DatabaseURL = u.String()
	}
	for name, s := range map[string]seeded{
		"pool too large":     {set(func(c *Config) { c.DatabaseURL += "&pool_max_conns=5000" }), "database", FindingFault, "5000 connections", "pool_max_conns"},
		"read only":          {set(func(c *Config) { c.DatabaseURL += "&default_transaction_read_only=on" }), "database", FindingFault, "can only be read", "primary"},
		"no such database":   {set(func(c *Config) { c.DatabaseURL = strings.Replace(c.DatabaseURL, "?", "x?", 1) }), "database", FindingFault, "cannot be reached", "pg_hba.conf"},
		"wrong password":     {set(password), "database", FindingFault, "cannot be reached", "password"},
		"wrong bucket":       {set(func(c *Config) { c.S3.Bucket = "no-such-bucket" }), "s3", FindingFault, "cannot be listed", "S3_BUCKET_NAME"},
		"wrong access key":   {set(func(c *Config) { c.S3.SecretAccessKey = "wrong" }), "s3", FindingFault, "cannot be listed", "access key"},
		"wrong prefix":       {set(func(c *Config) { c.S3.CoversPrefix = "elsewhere/" }), "s3", FindingWarning, "elsewhere/", "covers upload"},
		"CDN not reachable":  {set(func(c *Config) { c.S3.CDN = "cdn.invalid" }), "s3", FindingFault, "content delivery network", "CDN_DOMAIN"},
		"endpoint is silent": {set(func(c *Config) { c.S3.Endpoint = "http://127.0.0.1:1" }), "s3", FindingFault, "cannot be listed", "S3_ENDPOINT_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			c := full(t)
			s.seed(t, &c)
			s.expect(t, diagnosed(t, c, time.Now))
		})
	}
	t.Run("clocks", func(t *testing.T) {
		all := diagnosed(t, full(t), func() time.Time { return time.Now().Add(time.Hour) })
		for _, check := range []string{"database", "redis", "s3"} {
			seeded{check: check, state: FindingWarning, text: "apart", cure: "NTP"}.expect(t, all)
		}
	})
	t.Run("cover missing", func(t *testing.T) {
		_, err := server.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("covers/1.jpg")})
		must(t, err)
		seeded{check: "s3", state: FindingWarning, text: "book 1", cure: "covers upload"}.expect(t, diagnosed(t, full(t), time.Now))
	})
}

// TestDoctorRedis breaks a Redis of its own.
func TestDoctorRedis(t *testing.T) {
	server := redistest.Start(t)
	c := healthy(t)
	c.RedisURL = server.URL
	server.Exec(t, "redis-cli config set maxmemory 512mb")
	seeded{check: "redis", state: FindingWarning, text: "noeviction", cure: "allkeys-lru"}.expect(t, diagnosed(t, c, time.Now))
	server.Exec(t, "redis-cli acl setuser reader on '>sesame' '~*' '&*' +@read +@connection +time")
	u, err := url.Parse(server.URL)
	must(t, err)
	u.User = url.UserPassword("reader", "sesame")
	c.RedisURL = u.String()
	seeded{check: "redis", state: FindingFault, text: "NOPERM", cure: "ACL SETUSER"}.expect(t, diagnosed(t, c, time.Now))
	c.RedisURL = server.URL
	server.Freeze(t)
	t.Cleanup(func() { server.Thaw(t) })
	all := diagnosed(t, c, time.Now)
	seeded{check: "redis", state: FindingFault, text: "does not answer", cure: "REDIS_URL"}.expect(t, all)
	if bad := wrongs(all); len(bad) != 1 {
		t.Errorf("a Redis that hangs is not all that is found:\n%s", listed(bad))
	}
}

// TestDoctorDrive looks at a folder in Drive, and breaks it.
func TestDoctorDrive(t *testing.T) {
	c, d, all := inDrive(t)
	c.ThumbnailCacheMaxBytes, c.DownloadCacheMaxBytes, c.ListenAddr = 1<<20, -1, "127.0.0.1:0"
	must(t, os.Chmod(c.DataDir, 0o700))
	if bad := wrongs(diagnosed(t, c, time.Now)); len(bad) > 0 {
		t.Errorf("nothing is wrong, but:\n%s", listed(bad))
	}
	folder := c.Libraries[0].DriveFolder
	c.Libraries[0].DriveFolder = "unknown"
	seeded{check: "drive", state: FindingFault, text: "cannot be seen", cure: "share the folder"}.expect(t, diagnosed(t, c, time.Now))
	c.Libraries[0].DriveFolder = folder

	key := c.Drive.Credentials
	c.Drive.Credentials = filepath.Join(t.TempDir(), "key.json")
	must(t, os.WriteFile(c.Drive.Credentials, []byte(`{"type": "authorized_user"}`), 0o600))
	seeded{check: "drive", state: FindingFault, text: "not the key of a service account", cure: "service account"}.expect(t, diagnosed(t, c, time.Now))
	c.Drive.Credentials = key

	files, err := filepath.Glob(filepath.Join(all, "*", "* (1)", "*.epub"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	found, err := filepath.Rel(all, files[0])
	must(t, err)
	id, _ := d.Lookup(found)
	parent, ok := d.Lookup(filepath.Dir(found))
	if !ok {
		t.Fatalf("no folder of %q", found)
	}
	d.AddFile(parent, filepath.Base(found), bytes.Repeat([]byte("x"), 10))
	seeded{check: "drive", state: FindingWarning, text: filepath.Base(found), cure: "rclone dedupe"}.expect(t, diagnosed(t, c, time.Now))
	other, _ := d.Lookup(found)
	must(t, d.Delete(id))
	if other != id {
		must(t, d.Delete(other))
	}
	for {
		again, ok := d.Lookup(found)
		if !ok {
			break
		}
		must(t, d.Delete(again))
	}
	seeded{check: "drive", state: FindingFault, text: found, cure: "rclone sync"}.expect(t, diagnosed(t, c, time.Now))
}
