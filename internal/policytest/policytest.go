// Package policytest loads the policies of tests.
package policytest

import (
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Minimal is the smallest valid policy. A test adds the sections that it needs.
const Minimal = "version: 1\nchannels: {deadman: none}\n"

// File writes a policy into a directory and returns the name of the file. Names of files in the policy are relative to
// the directory.
func File(t testing.TB, dir, text string) string {
	t.Helper()
	name := filepath.Join(dir, "thorbis.yaml")
	testkit.WriteFile(t, name, text)
	return name
}

// Load writes a policy into a directory, as File does, and loads it.
func Load(t testing.TB, dir, text string) *config.Policy {
	t.Helper()
	p, err := config.Load(File(t, dir, text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Default returns the embedded default, for an exporter at its usual port.
func Default(t testing.TB) *config.Policy {
	t.Helper()
	p, err := config.Default(":10088")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
