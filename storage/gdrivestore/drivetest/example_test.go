package drivetest_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/api/googleapi"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

func Example() {
	d := drivetest.New(drivetest.Options{})
	d.Put("Ann Leckie/Ancillary Justice (7)/cover.jpg", []byte("a picture"))

	srv, err := d.Service(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := srv.Files.List().Q("name = 'cover.jpg' and trashed = false").Fields("files(name,size,mimeType)").Do()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found.Files {
		fmt.Println(f.Name, f.Size, f.MimeType)
	}
	// Output: cover.jpg 9 image/jpeg
}

// The second list is one too many for Google.
func ExampleDrive_Fail() {
	d := drivetest.New(drivetest.Options{})
	d.Fail(func(r drivetest.Request) drivetest.Fault {
		if r.Op == drivetest.OpList && r.N == 2 {
			return drivetest.Fault{Reason: "userRateLimitExceeded"}
		}
		return drivetest.Fault{}
	})
	srv, err := d.Service(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_, err := srv.Files.List().Do()
		var e *googleapi.Error
		if errors.As(err, &e) {
			fmt.Println(e.Code, e.Errors[0].Reason)
		} else {
			fmt.Println(err)
		}
	}
	// Output:
	// <nil>
	// 403 userRateLimitExceeded
	// <nil>
}
