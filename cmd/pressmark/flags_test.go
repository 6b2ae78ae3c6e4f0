package main

import (
	"slices"
	"testing"
)

// TestFlagsOfACommand: a switch takes no value, so the word behind it stays a word.
func TestFlagsOfACommand(t *testing.T) {
	f := flagSet{text: []string{"email"}, bools: []string{"admin"}}
	settings, err := f.take([]string{"create", "--use-google-drive", "ada", "--data-dir", "/data", "--admin", "--public", "bob", "--email=a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"--use-google-drive", "--data-dir", "/data", "--public"}; !slices.Equal(settings, want) {
		t.Errorf("settings %q, want %q", settings, want)
	}
	if want := []string{"create", "ada", "bob"}; !slices.Equal(f.words, want) || f.given["email"] != "a@example.com" || !f.on["admin"] {
		t.Errorf("words %q, %v, %v", f.words, f.given, f.on)
	}
}
