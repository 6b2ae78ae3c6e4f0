package server

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/httpapi"
)

// storeSettings are those of places beside the libraries' folders.
func storeSettings() []setting {
	return []setting{
		{
			group: "Files elsewhere", name: "BOOKS_STORE", value: "PLACE", def: placeLocal,
			help: "Where books are: local (the library's folder), s3 or gdrive. Also per format: local,PDF=s3. What is not there is looked for in the folder.",
			set:  setBooksStore,
		},
		{
			name: "USE_GOOGLE_DRIVE", value: "BOOL", def: "false",
			help: "Books are in Google Drive, as BOOKS_STORE=gdrive says.",
			set: func(c *Config, v string) (err error) {
				c.Drive.Use, err = parseBool(v)
				return err
			},
		},
		{
			name: "GOOGLE_DRIVE_CREDENTIALS_PATH", value: "PATH",
			help: "Key of a service account (JSON). Without it what the machine has: GOOGLE_APPLICATION_CREDENTIALS, or the account of a machine at Google.",
			set:  text(func(c *Config) *string { return &c.Drive.Credentials }),
		},
		{
			name: "GOOGLE_DRIVE_FOLDER_ID", value: "ID",
			help: "The folder that holds the library, by the end of its address. Several: main=ID,comics=ID.",
			set:  perLibrary(func(l *Library) *string { return &l.DriveFolder }),
		},
		{
			name: "GOOGLE_DRIVE_REQUESTS_PER_100S", value: "REQUESTS", def: "1000",
			help: "How many requests are sent to Google in any 100 seconds at most.",
			set: func(c *Config, v string) (err error) {
				if c.Drive.RequestsPer100s, err = strconv.Atoi(v); err != nil || c.Drive.RequestsPer100s < 10 {
					err = fmt.Errorf("%q: a number from 10 on was expected", v)
				}
				return err
			},
		},
		{
			name: "GOOGLE_DRIVE_ENDPOINT_URL", value: "URL",
			help: "Address of a server that speaks Google's Drive API, for tests and proxies. Without it Google's.",
			set:  text(func(c *Config) *string { return &c.Drive.Endpoint }),
		},
		{
			name: "DOWNLOAD_REDIRECT", value: "MODE", def: "auto",
			help: "Send clients to S3 for what is there: true, false, or auto, which spares those who are known to fail.",
			set: func(c *Config, v string) error {
				if strings.EqualFold(v, "auto") {
					return nil
				}
				on, err := parseBool(v)
				if err != nil {
					return fmt.Errorf("%q is none of true, false and auto", v)
				}
				c.DownloadRedirect = httpapi.RedirectNever
				if on {
					c.DownloadRedirect = httpapi.RedirectAlways
				}
				return nil
			},
		},
		{
			name: "USE_S3_COVERS", value: "BOOL", def: "false",
			help: "Covers are in S3. What is not there is served from the library's folder.",
			set: func(c *Config, v string) (err error) {
				c.S3.Covers, err = parseBool(v)
				return err
			},
		},
		{
			name: "S3_BUCKET_NAME", value: "NAME",
			help: "The bucket.",
			set:  text(func(c *Config) *string { return &c.S3.Bucket }),
		},
		{
			name: "AWS_REGION", value: "REGION",
			help: "The bucket's region, such as eu-central-1. Without it what the AWS configuration says.",
			set:  text(func(c *Config) *string { return &c.S3.Region }),
		},
		{
			name: "AWS_ACCESS_KEY_ID", value: "KEY",
			help: "Access key. Without it what the AWS configuration says: variables, files, roles.",
			set:  text(func(c *Config) *string { return &c.S3.AccessKeyID }),
		},
		{
			name: "AWS_SECRET_ACCESS_KEY", value: "KEY",
			help: "Secret of the access key.",
			set:  text(func(c *Config) *string { return &c.S3.SecretAccessKey }),
		},
		{
			name: "AWS_SESSION_TOKEN", value: "TOKEN",
			help: "Of keys that are good for a while (AWS STS), with AWS_ACCESS_KEY_ID.",
			set:  text(func(c *Config) *string { return &c.S3.SessionToken }),
		},
		{
			name: "S3_ENDPOINT_URL", value: "URL",
			help: "Address of an S3 server that is not Amazon's, such as https://s3.example.",
			set:  text(func(c *Config) *string { return &c.S3.Endpoint }),
		},
		{
			name: "S3_PATH_STYLE", value: "BOOL", def: "true",
			help: "With S3_ENDPOINT_URL: the bucket is in the path. false: it is in the host.",
			set: func(c *Config, v string) error {
				path, err := parseBool(v)
				c.S3.HostStyle = !path
				return err
			},
		},
		{
			name: "S3_COVERS_PREFIX", value: "PREFIX", def: "covers/",
			help: "What the keys of covers begin with.",
			set:  text(func(c *Config) *string { return &c.S3.CoversPrefix }),
		},
		{
			name: "S3_BOOKS_PREFIX", value: "PREFIX", def: "books/",
			help: "What the keys of books begin with.",
			set:  text(func(c *Config) *string { return &c.S3.BooksPrefix }),
		},
		{
			name: "S3_ENCRYPTION", value: "KIND",
			help: "How S3 encrypts what is uploaded: AES256, or aws:kms. Without it as the bucket says.",
			set:  text(func(c *Config) *string { return &c.S3.Encryption }),
		},
		{
			name: "S3_KMS_KEY_ID", value: "KEY",
			help: "The key in KMS. Without it the account's own.",
			set:  text(func(c *Config) *string { return &c.S3.KMSKeyID }),
		},
		{
			name: "CDN_DOMAIN", value: "HOST",
			help: "Host of a content delivery network that has the bucket, such as d123.cloudfront.net. Not used while any user is restricted.",
			set:  text(func(c *Config) *string { return &c.S3.CDN }),
		},
	}
}

// setBooksStore reads "place" and "place,FORMAT=place".
func setBooksStore(c *Config, v string) error {
	c.BooksStore = map[string]string{}
	for _, part := range list(v) {
		format, place, named := strings.Cut(part, "=")
		if !named {
			format, place = "", part
		}
		format, place = strings.ToUpper(strings.TrimSpace(format)), strings.ToLower(strings.TrimSpace(place))
		if named && format == "" {
			return fmt.Errorf("%q names no format; PDF=s3 was expected", part)
		}
		if _, twice := c.BooksStore[format]; twice {
			return fmt.Errorf("%q has two places for one format", v)
		}
		switch place {
		case placeLocal, placeS3, placeDrive:
		default:
			return fmt.Errorf("%q is not a place: %s, %s or %s were expected", place, placeLocal, placeS3, placeDrive)
		}
		c.BooksStore[format] = place
	}
	return nil
}
