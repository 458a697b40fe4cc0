package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of what is read of a revision.
const (
	checkoutTimeout = 30 * time.Second
	maxCheckout     = 64 << 20 // bytes
)

// checkout writes the regular files of a directory as they are at a revision of git into another.
func checkout(ctx context.Context, dir, revision, into string) error {
	if strings.HasPrefix(revision, "-") {
		return fmt.Errorf("invalid revision %q: write one like HEAD or a tag", revision)
	}
	ctx, cancel := context.WithTimeout(ctx, checkoutTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "git", "-C", cmp.Or(dir, "."), "archive", "--format=tar", revision, ".")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	archive, err := io.ReadAll(io.LimitReader(stdout, maxCheckout+1))
	if len(archive) > maxCheckout {
		cancel() // it would wait for somebody to read the rest
	}
	err = errors.Join(err, command.Wait())
	switch {
	case len(archive) > maxCheckout:
		return fmt.Errorf("more than %d bytes: keep the policy in a directory of its own", maxCheckout)
	case err != nil && stderr.Len() > 0:
		first, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return errors.New(first)
	case err != nil:
		return err
	}
	return extract(bytes.NewReader(archive), into)
}

// extract writes the regular files of an archive below a directory.
func extract(from io.Reader, into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	files := tar.NewReader(io.LimitReader(from, maxCheckout))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(header.Name), 0o700); err != nil {
			return err
		}
		f, err := root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, files)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
}
