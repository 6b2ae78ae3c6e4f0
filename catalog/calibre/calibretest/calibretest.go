// Package calibretest gives tests real Calibre libraries: the embedded sample,
// large ones made from its schema, odd and damaged ones, and Calibre itself as
// the judge of all of them.
//
// # A library to read
//
// [Sample] unpacks 24 books with files and covers to a temporary folder:
//
//	dir := calibretest.Sample(t)
//	db := filepath.Join(dir, "metadata.db")
//
// [Second] is a library that Calibre made with what the sample lacks, such as
// commas in names, a composite column and half-filled rows. [Generate] writes a
// metadata.db of any number of books, the same for the same seed.
//
// # A library that is odd
//
// Functions that take the path of a metadata.db alter the file in place; give
// them a copy. [SetVersion] makes the schemas of other versions of Calibre,
// [WAL] and [HotJournal] the states that a writer leaves behind, [Damages] what
// must be refused, [Future] what must not, and [Alter] runs SQL of your own.
//
// # Calibre
//
// [Debug] and [CalibreDB] run Calibre's programs; a [Driver] keeps one Calibre
// process and runs Python in it, in milliseconds. They need Calibre in PATH;
// see [RequireCalibre] for what happens without.
//
// Programs that only want the sample import the package sample below, which
// does not link package testing.
package calibretest

import (
	"path/filepath"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
)

// Sample unpacks the sample library and returns its folder. The folder belongs
// to the test, may be changed, and goes with it.
func Sample(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "library")
	if err := sample.Unpack(dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}
