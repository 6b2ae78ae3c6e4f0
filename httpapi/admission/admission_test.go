package admission_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/httpapi/admission"
)

// work enters, takes its time and leaves; it returns how long it waited.
func work(ctx context.Context, q *admission.Queue, d time.Duration) (time.Duration, error) {
	began := time.Now()
	leave, err := q.Enter(ctx)
	waited := time.Since(began)
	if err == nil {
		time.Sleep(d)
		leave()
	}
	return waited, err
}

// TestOverload offers three times what can be done, for a minute. After the first
// half second, which could be a burst, nobody waits long.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := admission.New(admission.Options{Running: 2, MaxWait: 500 * time.Millisecond})
		began := time.Now()
		var wg sync.WaitGroup
		var done, refused, late, slow atomic.Int64
		for range 60 * 600 { // 600 a second of 10 ms each, where 2 at a time are 200
			wg.Go(func() {
				waited, err := work(t.Context(), q, 10*time.Millisecond)
				switch {
				case errors.Is(err, admission.ErrBusy):
					refused.Add(1)
					if waited > 0 {
						late.Add(1)
					}
				case err != nil:
					t.Error(err)
				default:
					done.Add(1)
					if waited > 120*time.Millisecond && time.Since(began) > 2*time.Second {
						slow.Add(1)
					}
				}
			})
			time.Sleep(time.Second / 600)
		}
		wg.Wait()
		if n := done.Load(); n < 11_900 || n > 12_100 {
			t.Errorf("%d were done, 12,000 could have been", n)
		}
		if late.Load() > 100 || slow.Load() > 0 {
			t.Errorf("%d of %d were refused late, %d of %d waited long", late.Load(), refused.Load(), slow.Load(), done.Load())
		}
		if s := q.Stats(); s.Running != 0 || s.Waiting != 0 || s.Refused != uint64(refused.Load()) || s.Admitted != uint64(done.Load()) {
			t.Errorf("%+v", s)
		}
	})
}

// TestSlower: work that suddenly takes long does not keep those who wait.
func TestSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := admission.New(admission.Options{Running: 1, MaxWait: 50 * time.Millisecond})
		go work(t.Context(), q, time.Hour)
		synctest.Wait()
		waited, err := work(t.Context(), q, 0)
		if !errors.Is(err, admission.ErrBusy) || waited != 100*time.Millisecond {
			t.Errorf("%v after %v", err, waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := work(ctx, q, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v of who gave up", err)
		}
		if s := q.Stats(); s.Waiting != 0 || s.Running != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour)
	})
}

// TestBurst: what comes at once, and no more after it, is all done.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := admission.New(admission.Options{Running: 2, MaxWait: 500 * time.Millisecond})
		for range 3 {
			if _, err := work(t.Context(), q, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for range 90 {
			wg.Go(func() {
				if _, err := work(t.Context(), q, 10*time.Millisecond); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
