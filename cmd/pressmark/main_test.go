package main

import (
	"os"
	"testing"

	"github.com/pressmark/pressmark/migrations/migrationstest"
)

func TestMain(m *testing.M) { os.Exit(migrationstest.Main{M: m}.Run()) }
