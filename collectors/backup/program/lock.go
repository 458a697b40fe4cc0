package program

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// ErrLocked means that another run works on the repository: the verification could not be made, and nothing is known of
// the backup.
var ErrLocked = errors.New("the repository is locked by another run, or by one that died")

// lockPause is how long a locked repository is left alone: a backup takes minutes.
const lockPause = 5 * time.Second

// lockMessage matches the messages of restic ("repository is already locked") and Borg ("Failed to create/acquire the
// lock"). Not all of their versions wait by themselves, or have an exit code for it.
var lockMessage = regexp.MustCompile(`(?i)already locked|acquire the lock|lock.*timeout`)

// unlocked runs a program that needs the repository for itself, again and again while the repository is locked, until
// the verification's time is up.
func unlocked(ctx context.Context, v Verification, run func() error) error {
	for reported := false; ; {
		err := run()
		if err == nil || !lockMessage.MatchString(err.Error()) {
			return err
		}
		if !reported {
			v.Say("the repository is locked; waiting for it")
			reported = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case <-time.After(lockPause):
		}
	}
}
