package s3store_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/s3store"
)

// A bucket of a server that is not Amazon's, and an address of something in it.
func Example() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"), config.WithCredentialsProvider(
		aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		})))
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = aws.String("https://s3.example"), true
	})
	covers := storage.Prefixed(s3store.New(client, "my-books", s3store.Options{}), "covers")
	signer, _ := storage.As[storage.Signer](covers)
	url, _, err := signer.SignedURL(ctx, "17.jpg", storage.SignOptions{})
	if err != nil {
		log.Fatal(err)
	}
	address, _, _ := strings.Cut(url, "?")
	fmt.Println(address)
	// Output: https://s3.example/my-books/covers/17.jpg
}
