package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/storage"
)

func newStoreMetrics() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "store_operation_duration_seconds", Help: "Time until a store answered: stat and open of an object, the first of a list.",
		Buckets: []float64{.00001, .0001, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"store", "operation", "result"})
}

// timedStore is a store whose operations are timed.
type timedStore struct {
	storage.Store
	name string
	took *prometheus.HistogramVec
}

// Unwrap lets what else the store can do be found.
func (t *timedStore) Unwrap() storage.Store { return t.Store }

func (t *timedStore) observe(operation string, began time.Time, err error) {
	t.took.WithLabelValues(t.name, operation, storeResult(err)).Observe(time.Since(began).Seconds())
}

func storeResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, storage.ErrUnavailable):
		return "unavailable"
	}
	return "error"
}

func (t *timedStore) Stat(ctx context.Context, key string) (storage.Info, error) {
	began := time.Now()
	info, err := t.Store.Stat(ctx, key)
	t.observe("stat", began, err)
	return info, err
}

func (t *timedStore) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	began := time.Now()
	rc, info, err := t.Store.Open(ctx, key, r)
	t.observe("open", began, err)
	return rc, info, err
}

func (t *timedStore) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		began, first := time.Now(), true
		for info, err := range t.Store.List(ctx, prefix) {
			if first {
				t.observe("list", began, err)
				first = false
			}
			if !yield(info, err) {
				return
			}
		}
		if first {
			t.observe("list", began, nil)
		}
	}
}

// OpenFile implements [storage.FileOpener] where the store does.
func (t *timedStore) OpenFile(ctx context.Context, key string) (*os.File, storage.Info, error) {
	files, ok := storage.As[storage.FileOpener](t.Store)
	if !ok {
		return nil, storage.Info{}, fmt.Errorf("open %s as a file: %w", key, errors.ErrUnsupported)
	}
	began := time.Now()
	f, info, err := files.OpenFile(ctx, key)
	t.observe("open", began, err)
	return f, info, err
}
