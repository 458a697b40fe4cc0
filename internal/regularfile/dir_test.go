package regularfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDir(t *testing.T) {
	outside := write(t, filepath.Join(t.TempDir(), "shadow"), "root:x")
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "base", "1"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "base", "1", "f"), "inside")
	for link, to := range map[string]string{
		"absolute": outside, "up": "../" + filepath.Base(filepath.Dir(outside)) + "/shadow",
		"within": "base/1/f", "directory": "base", "root": "/", "/base/1/self": "..",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"base/1/f", "base/./1/f", "base/1/../1/f"} {
		if text, err := d.Read(t.Context(), name, 100); err != nil || string(text) != "inside" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if _, err := d.Read(t.Context(), "base/1/f", 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	for _, name := range []string{"absolute", "up", "within", "directory/1/f", "root" + outside, "base/1/self/1/f"} {
		if _, err := d.Read(t.Context(), name, 100); !errors.Is(err, ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"pipe", "base", "."} {
		if _, err := d.Read(t.Context(), name, 100); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{outside, "../x", "", "base/../../x", "base/1/missing", "base/1/f/x"} {
		if text, err := d.Read(t.Context(), name, 100); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestOpenDirOfSomethingElse(t *testing.T) {
	for what, name := range special(t) {
		if d, err := OpenDir(t.Context(), name); (err == nil) != (what == "directory") {
			t.Errorf("%s: %v, %v", what, d, err)
		}
	}
}
