// Package secret reads credentials from files and from the environment, and keeps them out of what is written for
// people. A secret is read each time it is used, so that a rotated one is used at once and without a reload. What was
// ever read is known to Mask, through which every log line, page, error and result goes.
package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Bounds of reading a secret.
const (
	maxBytes = 64 << 10
	// timeout bounds one read. A disk that hangs costs the first caller so much and the next ones nothing.
	timeout = 2 * time.Second
	// grace is for how long the last good value stays in use when the file is missing or empty: a rotation that first
	// removes or truncates the old one.
	grace = 10 * time.Second
)

// Ref is where a secret is: in a file or, if File is empty, in an environment variable.
type Ref struct{ File, Env string }

// readings are the last good values, by reference.
var (
	readingsMu sync.Mutex
	readings   = map[Ref]*reading{}
)

// maxReadings bounds the references that are remembered, which reloads may change for years.
const maxReadings = 10_000

// reading is the last good value of a reference.
type reading struct {
	value string
	at    time.Time // last success
}

// Read returns the secret as it is now, without the line end that editors add. While the file cannot be looked at,
// because its disk hangs, the last good value is returned; while it is missing or empty, too, but only for 10 s. No
// part of the secret is in the error.
func (r Ref) Read(ctx context.Context) (string, error) {
	value, err := r.current(ctx)
	now := time.Now()
	readingsMu.Lock()
	defer readingsMu.Unlock()
	last := readings[r]
	if err != nil {
		if last != nil && (!definite(err) || now.Sub(last.at) < grace) {
			return last.value, nil
		}
		return "", err
	}
	if last == nil {
		if len(readings) >= maxReadings {
			clear(readings)
		}
		last = &reading{}
		readings[r] = last
	}
	if last.value != value {
		Know(value)
	}
	last.value, last.at = value, now
	return value, nil
}

// Line is Read for a secret of one line, such as a token or a header's value: blanks around it are cut off.
func (r Ref) Line(ctx context.Context) (string, error) {
	value, err := r.Read(ctx)
	if err != nil {
		return "", err
	}
	value = strings.TrimSpace(value)
	if strings.ContainsAny(value, "\r\n") {
		return "", fmt.Errorf("%s must hold one line", r)
	}
	return value, nil
}

// String names the place, never the secret.
func (r Ref) String() string {
	if r.File == "" {
		return "environment variable " + r.Env
	}
	return r.File
}

func (r Ref) current(ctx context.Context) (string, error) {
	if r.File == "" {
		value := os.Getenv(r.Env)
		if strings.TrimSpace(value) == "" {
			return "", fmt.Errorf("%s is not set", r)
		}
		return value, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errHangs)
	defer cancel()
	text, err := regularfile.Read(ctx, r.File, maxBytes)
	if err != nil {
		return "", fmt.Errorf("the secret cannot be read: %w", err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("%s %w; write the secret into it", r.File, errEmpty)
	}
	return value, nil
}

var (
	errHangs = errors.New("it has not answered within 2s; its disk hangs")
	errEmpty = errors.New("is empty")
)

// definite reports whether an error is about the secret, rather than about the way to it.
func definite(err error) bool {
	for _, e := range []error{
		fs.ErrNotExist, fs.ErrPermission, regularfile.ErrNotRegular, regularfile.ErrTooLarge,
		errEmpty,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var path *fs.PathError
	return !errors.As(err, &path) // a variable that is not set
}
