package s3store_test

import (
	"os"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/s3store"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
	"github.com/pressmark/pressmark/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main{M: m}.Run()) }

func TestStore(t *testing.T) {
	for name, server := range map[string]func(testing.TB) s3test.Server{"versitygw": s3test.Open, "InProcess": s3test.InProcess} {
		t.Run(name, func(t *testing.T) {
			s := server(t)
			storagetest.Run(t, storagetest.Fill(func(t testing.TB) storage.Store {
				return s3store.New(s.Client(), s.Bucket(t), s3store.Options{})
			}), storagetest.Quirks{})
		})
	}
}
