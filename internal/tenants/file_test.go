package tenants

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

func TestParseSortsAndChecksNames(t *testing.T) {
	list, err := parse([]byte("tenants: [{name: zoo, tier: standard}, {name: acme}]"))
	if err != nil || len(list) != 2 || list[0].Name != "acme" || list[1].Tier != "standard" {
		t.Fatalf("%v, %v", list, err)
	}
	for text, want := range map[string]string{
		"tenants: [{name: _other}]":             `invalid name "_other"`,
		"tenants: [{name: a}, {name: a}]":       "listed twice",
		"tenants: [{nome: a}]":                  "nome",
		"tenants: [{name: \"a b\"}]":            "invalid name",
		"tenants: [{name: a, tier: [x]}]":       "cannot unmarshal",
		"tennants: [{name: a, tier: standard}]": "tennants",
	} {
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("tenants: [{name: acme, tier: enterprise}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parse(text)
		if err != nil {
			return
		}
		for i := 1; i < len(list); i++ {
			if list[i-1].Name >= list[i].Name {
				t.Fatal("not sorted or not unique")
			}
		}
	})
}

// A registry that is replaced by a pipe is an error; it held up the start, and every later look.
func TestPipeAsRegistry(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Reader{File: name}
	if _, err := s.Refresh(t.Context()); !errors.Is(err, regularfile.ErrNotRegular) {
		t.Errorf("err = %v", err)
	}
	if _, err := Load(name); !errors.Is(err, regularfile.ErrNotRegular) {
		t.Errorf("err = %v", err)
	}
	if _, err := Query(t.Context(), name, "SELECT 1"); !errors.Is(err, regularfile.ErrNotRegular) {
		t.Errorf("err = %v", err)
	}
}
