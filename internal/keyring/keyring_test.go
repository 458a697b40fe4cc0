package keyring

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestRing(t *testing.T) {
	dir := t.TempDir()
	key := func(owner, text string) Key {
		file := filepath.Join(dir, owner)
		if text != "" {
			testkit.WriteFile(t, file, text+"\n")
		}
		return Key{Name: "key of " + owner, Owner: owner, Ref: config.SecretRef{File: file}}
	}
	upper := key("form", "A KEY OF LETTERS")
	upper.Form = func(text string) (string, error) {
		if strings.Contains(text, "5") {
			return text, errors.New("no digits")
		}
		return strings.ToLower(text), nil
	}
	all := []Key{
		key("ada", "ada's own long key"), key("bob", "short"), key("eve", "one key of both ..."),
		key("mal", "one key of both ..."), key("gone", ""), upper,
	}
	var r Ring
	if r.Known() || r.Owner("ada's own long key") != "" {
		t.Error("somebody is known before the keys are read")
	}
	err := r.Read(t.Context(), all)
	for _, want := range []string{"key of bob: too short", "key of mal: it is that of eve too", "key of gone"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no error %q: %v", want, err)
		}
	}
	for text, want := range map[string]string{
		"ada's own long key": "ada", "short": "", "one key of both ...": "", "": "", "ada's own long kez": "",
		"a key of letters": "form", "A KEY OF LETTERS": "",
	} {
		if got := r.Owner(text); got != want {
			t.Errorf("%q is the key of %q, want %q", text, got, want)
		}
	}
	if got := r.Owners("one key of both ..."); !slices.Equal(got, []string{"eve", "mal"}) {
		t.Errorf("%q", got)
	}
	// A key that cannot be read for a while remains as it was; one that was replaced by an invalid text is gone.
	if err := os.Remove(all[0].Ref.File); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, upper.Ref.File, "5")
	if err := r.Read(t.Context(), all); err == nil || r.Owner("ada's own long key") != "ada" ||
		r.Owner("a key of letters") != "" {
		t.Errorf("%v, and the keys are those of %q and %q", err, r.Owner("ada's own long key"), r.Owner("a key of letters"))
	}
	testkit.WriteFile(t, all[0].Ref.File, "another long key")
	_ = r.Read(t.Context(), all)
	if r.Owner("ada's own long key") != "" || r.Owner("another long key") != "ada" {
		t.Error("a key that was replaced is still valid")
	}
}

// Two servers may share a key that stands for the same owner.
func TestSharedKey(t *testing.T) {
	t.Setenv("THORBIS_TEST_A", "a key that is shared")
	t.Setenv("THORBIS_TEST_B", "a key that is shared")
	var r Ring
	err := r.Read(t.Context(), []Key{
		{Name: "a", Owner: "both", Ref: config.SecretRef{Env: "THORBIS_TEST_A"}},
		{Name: "b", Owner: "both", Ref: config.SecretRef{Env: "THORBIS_TEST_B"}},
	})
	if err != nil || r.Owner("a key that is shared") != "both" {
		t.Errorf("%v, %q", err, r.Owner("a key that is shared"))
	}
}

func TestBearer(t *testing.T) {
	req := httptest.NewRequestWithContext(t.Context(), "POST", "/", nil)
	for header, want := range map[string]string{
		"": "", "Bearer a key": "a key", "bearer  a key ": "a key", "Basic a key": "", "Bearer": "",
	} {
		req.Header.Set("Authorization", header)
		if got := Bearer(req); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}
