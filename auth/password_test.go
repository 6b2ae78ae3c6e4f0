package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func passwords(t testing.TB, o PasswordOptions) *Passwords {
	t.Helper()
	if o.Memory == 0 {
		o.Memory, o.Time = minMemory, 1
	}
	p, err := NewPasswords(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPasswords(t *testing.T) {
	p := passwords(t, PasswordOptions{})
	hash, err := p.Hash(t.Context(), "correct horse é")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=8192,t=1,p=1$") {
		t.Errorf("hash %s", hash)
	}
	other, err := p.Hash(t.Context(), "correct horse é")
	if err != nil || other == hash {
		t.Errorf("twice the same hash %s, %v", other, err)
	}
	for password, want := range map[string]bool{
		"correct horse é": true, "correct horse e\u0301": true, // decomposed
		"correct horse e": false, "": false, strings.Repeat("x", 5000): false,
	} {
		ok, weak, err := p.Verify(t.Context(), password, hash)
		if err != nil || ok != want || weak {
			t.Errorf("%.20q: %v, weak %v, %v", password, ok, weak, err)
		}
	}
	if ok, _, err := p.Verify(t.Context(), "correct horse", ""); ok || err != nil {
		t.Errorf("without a hash: %v, %v", ok, err)
	}
}

// TestPasswordVector verifies a hash that the reference program made: argon2
// from Debian, as in "printf 'correct horse' | argon2 somesalt16bytes! -id
// -t 2 -k 65536 -p 4 -l 32 -e".
func TestPasswordVector(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQxNmJ5dGVzIQ$Wv3nSFqDhzD6ut5s/TnoSnGewk79bXcBTY1ukhFrjzY"
	p := passwords(t, PasswordOptions{})
	ok, weak, err := p.Verify(t.Context(), "correct horse", hash)
	if !ok || weak || err != nil {
		t.Errorf("%v, weak %v, %v", ok, weak, err)
	}
}

func TestPasswordWeak(t *testing.T) {
	hash, err := passwords(t, PasswordOptions{}).Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []PasswordOptions{{Memory: minMemory + 1, Time: 1}, {Memory: minMemory, Time: 2}} {
		p := passwords(t, o)
		if ok, weak, err := p.Verify(t.Context(), "correct horse", hash); !ok || !weak || err != nil {
			t.Errorf("%+v: %v, weak %v, %v", o, ok, weak, err)
		}
		if ok, weak, err := p.Verify(t.Context(), "wrong horse", hash); ok || weak || err != nil {
			t.Errorf("%+v, wrong: %v, weak %v, %v", o, ok, weak, err)
		}
	}
}

func TestPasswordRefused(t *testing.T) {
	p := passwords(t, PasswordOptions{})
	for _, password := range []string{"", "1234567", "äöüäöüä", strings.Repeat("x", maxPassword+1), "bad utf8 \xff"} {
		var invalid *InvalidError
		if _, err := p.Hash(t.Context(), password); !errors.As(err, &invalid) || invalid.Field != "password" || len(password) > 0 && strings.Contains(err.Error(), password) {
			t.Errorf("%.20q: %v", password, err)
		}
	}
	good, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{
		"x", "$", "plain", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8192", "m=99999999", 1), strings.Replace(good, "m=8192", "m=-1", 1), strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "t=1", "t=4000000000", 1), strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "p=1", "p=257", 1),
		good[:len(good)-30], good + "$", strings.Replace(good, "$argon2id", "x$argon2id", 1),
	} {
		if ok, _, err := p.Verify(t.Context(), "correct horse", hash); ok || err == nil {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
	}
	for _, o := range []PasswordOptions{{Memory: 1}, {Memory: 5 << 20}, {Time: 101}, {Concurrent: -1}} {
		if _, err := NewPasswords(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// TestPasswordsQueue: so many are hashed at a time, so many wait, and who comes
// then is sent away.
func TestPasswordsQueue(t *testing.T) {
	p := passwords(t, PasswordOptions{Memory: minMemory, Time: 1, Concurrent: 1, Queue: 2})
	p.turns <- struct{}{} // somebody is at it
	p.waiting.Add(1)
	results := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		go func() {
			_, err := p.Hash(ctx, "correct horse")
			results <- err
		}()
	}
	for p.waiting.Load() < 3 {
		runtime.Gosched()
	}
	if _, err := p.Hash(t.Context(), "correct horse"); !errors.Is(err, ErrBusy) {
		t.Errorf("a fourth: %v", err)
	}
	cancel()
	for range 2 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
	}
	<-p.turns
	p.waiting.Add(-1)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := p.Hash(t.Context(), "correct horse"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$c29tZWtleXNvbWVrZXk")
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		again, err := parsePHC(h.String())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(h) {
			t.Errorf("%q: %v, %v", s, again, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p, err := NewPasswords(PasswordOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := p.Verify(b.Context(), "correct horse", ""); err != nil {
			b.Fatal(err)
		}
	}
}
