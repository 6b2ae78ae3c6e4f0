package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pressmark/pressmark/storage"
)

// List goes through the bucket in pages of 1,000 objects. A bucket that lists out
// of order, as S3 Express's do, is an error.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := storage.CheckPrefix(prefix); err != nil {
			yield(storage.Info{}, err)
			return
		}
		for info, err := range s.list(ctx, prefix) {
			if ended := ctx.Err(); err == nil && ended != nil {
				info, err = storage.Info{}, fail("list", prefix, ended)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	const op = "list"
	return func(yield func(storage.Info, error) bool) {
		in := &s3.ListObjectsV2Input{
			Bucket: s.bucket, Prefix: &prefix,
			EncodingType: types.EncodingTypeUrl, // XML cannot hold every key
		}
		last := ""
		for {
			if err := ctx.Err(); err != nil {
				yield(storage.Info{}, fail(op, prefix, err))
				return
			}
			page, err := s.client.ListObjectsV2(ctx, in)
			if err != nil {
				yield(storage.Info{}, s.explain(ctx, op, prefix, err))
				return
			}
			s.there()
			for i := range page.Contents {
				o := &page.Contents[i]
				key := aws.ToString(o.Key)
				if page.EncodingType == types.EncodingTypeUrl {
					if key, err = url.QueryUnescape(key); err != nil {
						yield(storage.Info{}, fail(op, prefix, fmt.Errorf("the answer has the key %q: %w", aws.ToString(o.Key), err)))
						return
					}
				}
				if storage.CheckKey(op, key) != nil {
					continue
				}
				if key <= last {
					yield(storage.Info{}, fail(op, prefix, fmt.Errorf("the bucket lists %q after %q: it has to list keys in their order", key, last)))
					return
				}
				last = key
				if !yield(describe(key, aws.ToInt64(o.Size), o.LastModified, o.ETag), nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			if page.NextContinuationToken == nil {
				yield(storage.Info{}, fail(op, prefix, unavailable(errors.New("the answer is cut, and does not say how it goes on"))))
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}
