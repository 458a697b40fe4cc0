package secret

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestRotatedSecretIsUsedAtOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "token")
	ref := Ref{File: name}
	for _, want := range []string{"first-token", "other-token", "third-token"} { // of one length, in one moment
		testkit.WriteFile(t, name, want+"\n")
		if got, err := ref.Read(t.Context()); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	for _, old := range []string{"first-token", "third-token"} {
		if got := Mask("x" + old + "y"); got != "x<secret>y" {
			t.Errorf("%s: %s", old, got)
		}
	}
	t.Setenv("THORBIS_TEST_TOKEN", "from-environment")
	if got, err := (Ref{Env: "THORBIS_TEST_TOKEN"}).Read(t.Context()); err != nil || got != "from-environment" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := (Ref{Env: "THORBIS_TEST_UNSET"}).Read(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "THORBIS_TEST_UNSET") {
		t.Errorf("err = %v", err)
	}
}

// Kubernetes rotates a mounted secret by a link that leads elsewhere.
func TestRotationByLink(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"..1", "..2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(dir, version, "token"), "token-of-"+version)
		_ = os.Remove(filepath.Join(dir, "..tmp"))
		if err := errors.Join(os.Symlink(version, filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
		if got, err := (Ref{File: filepath.Join(dir, "..data", "token")}).Read(t.Context()); err != nil ||
			got != "token-of-"+version {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// `echo new > file` empties it first, `rm` and `cp` remove it: a moment later is soon enough to complain.
func TestRotationThatLeavesAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "token")
		ref := Ref{File: name}
		for what, gap := range map[string]func(){
			"empty":   func() { testkit.WriteFile(t, name, "\n") },
			"missing": func() { _ = os.Remove(name) },
		} {
			testkit.WriteFile(t, name, "a-good-token")
			if _, err := ref.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			gap()
			time.Sleep(grace - time.Second)
			if got, err := ref.Read(t.Context()); err != nil || got != "a-good-token" {
				t.Errorf("%s: %q, %v", what, got, err)
			}
			time.Sleep(2 * time.Second)
			if got, err := ref.Read(t.Context()); err == nil || got != "" {
				t.Errorf("%s for long: %q", what, got)
			}
		}
	})
}

// A disk that does not answer says nothing about the secret: the last value stays for as long as that is so.
func TestValueStaysWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "token")
		testkit.WriteFile(t, name, "a-good-token")
		hangs, cancel := context.WithCancelCause(t.Context())
		cancel(errHangs) // as a read ends that has had no answer
		for _, ref := range []Ref{{File: name}, {File: name + ".other"}} {
			_, known := ref.Read(t.Context())
			time.Sleep(100 * grace)
			got, err := ref.Read(hangs)
			if known == nil && (err != nil || got != "a-good-token") || known != nil && (err == nil || got != "") {
				t.Errorf("%s: %q, %v", ref, got, err)
			}
		}
	})
}

func TestNoSecret(t *testing.T) {
	dir := t.TempDir()
	pipe, large := filepath.Join(dir, "pipe"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, large, strings.Repeat("x", maxBytes+1))
	for _, name := range []string{pipe, large, dir, os.DevNull} {
		if got, err := (Ref{File: name}).Read(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := (Ref{File: filepath.Join(dir, "missing")}).Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

func TestLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "token")
	testkit.WriteFile(t, name, "  Bearer abcdefgh \r\n")
	if got, err := (Ref{File: name}).Line(t.Context()); err != nil || got != "Bearer abcdefgh" {
		t.Errorf("%q, %v", got, err)
	}
	testkit.WriteFile(t, name, "two-lines-of\na-secret-thing")
	if got, err := (Ref{File: name}).Line(t.Context()); err == nil || strings.Contains(err.Error(), "secret-thing") {
		t.Errorf("%q, %v", got, err)
	}
}
