package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// verified verifies the one library of c.
func verified(t *testing.T, c Config, v Verification) (Verified, []Difference) {
	t.Helper()
	var told []Difference
	v.Report = func(d Difference) { told = append(told, d) }
	all, err := Verify(t.Context(), c, v)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0], told
}

// TestVerify finds nothing, then what was broken, in files and in what is served.
func TestVerify(t *testing.T) {
	c := sampleConfig(t)
	c.NoWatch = true
	url := serve(t, open(t, c))
	root := c.Libraries[0].Path
	before := tree(t, root)
	r, told := verified(t, c, Verification{Files: FileContents, Server: url + "/"})
	if r.Books != 24 || r.Files != 54 || !r.Served || r.Differences != 0 || len(told) != 0 {
		t.Errorf("%+v, %v", r, told)
	}
	if after := tree(t, root); after != before {
		t.Error("the library has changed")
	}

	must(t, os.Remove(theFile(t, c, "*/* (1)/*.epub")), os.Truncate(theFile(t, c, "*/* (2)/cover.jpg"), 300), os.Truncate(theFile(t, c, "*/* (3)/*.epub"), 5))
	r, told = verified(t, c, Verification{Files: FileContents})
	for _, want := range []struct {
		book  int64
		found string
	}{{1, foundNothing}, {2, "no whole image"}, {3, "5 bytes"}} {
		ok := false
		for _, d := range told {
			ok = ok || d.Kind == KindFile && d.Place == placeFolder && int64(d.Book) == want.book && strings.Contains(d.Found, want.found)
		}
		if !ok {
			t.Errorf("book %d: %q is not among %v", want.book, want.found, told)
		}
	}
	if r.Differences != 3 || r.Kinds[KindFile] != 3 {
		t.Errorf("%+v", r)
	}
}

// TestVerifyServed: a server that does not follow serves what Calibre had before.
func TestVerifyServed(t *testing.T) {
	c := sampleConfig(t)
	c.NoWatch = true
	url := serve(t, open(t, c))
	must(t, calibretest.Alter(filepath.Join(c.Libraries[0].Path, "metadata.db"),
		`UPDATE books SET title = 'Other', last_modified = '2030-01-01 00:00:00+00:00' WHERE id = 5`, `DELETE FROM books WHERE id = 7`))
	r, told := verified(t, c, Verification{Files: FileNone, Server: url, Behind: time.Nanosecond})
	want := map[string]bool{"revision": false, "title": false, "book": false}
	for _, d := range told {
		if d.Kind == KindServed {
			want[d.What] = true
		}
	}
	for what, found := range want {
		if !found {
			t.Errorf("%s is not among %v, %+v", what, told, r)
		}
	}
}

// TestVerifyElsewhere compares what is in S3 and in Google Drive.
func TestVerifyElsewhere(t *testing.T) {
	c, drive, all := inDrive(t)
	server := s3test.Open(t)
	bucket := server.Bucket(t)
	c.S3 = S3{Covers: true, Bucket: bucket, Endpoint: server.Endpoint, AccessKeyID: server.AccessKeyID, SecretAccessKey: server.SecretAccessKey}
	c.BooksStore = map[string]string{"": placeDrive, "PDF": placeS3}
	full := c // what is uploaded is in the folder
	full.Libraries = []Library{{Name: "main", Path: all}}
	full.BooksStore = map[string]string{"": placeLocal, "PDF": placeS3}
	full.Drive = Drive{}
	must(t, UploadCovers(t.Context(), full, Upload{}), UploadBooks(t.Context(), full, Upload{}))
	for _, depth := range []FileDepth{FileSizes, FileContents} {
		if r, told := verified(t, c, Verification{Files: depth}); r.Books != 24 || r.Files < 50 || r.Differences != 0 {
			t.Errorf("%s: %+v, %v", depth, r, told)
		}
	}

	key, err := filepath.Rel(all, theFile(t, full, "*/* (1)/*.epub"))
	must(t, err)
	id, _ := drive.Lookup(filepath.ToSlash(key))
	must(t, drive.Trash(id))
	_, err = server.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("covers/2.jpg")})
	must(t, err)
	r, told := verified(t, c, Verification{Files: FileSizes})
	if r.Kinds[KindFile] != 2 || len(told) != 2 {
		t.Fatalf("%+v, %v", r, told)
	}
	for _, d := range told {
		if d.Place != placeDrive && d.Place != placeS3 || d.Place == placeDrive && d.Book != 1 || d.Place == placeS3 && d.Book != 2 || d.Found != foundNothing {
			t.Errorf("%+v", d)
		}
	}
}
