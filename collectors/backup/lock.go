package backup

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// errLocked says that somebody else works on the repository: the verification could not be made, which says nothing
// of the backup.
var errLocked = errors.New("the repository is locked by another run, or by one that died")

// lockPause is how long a locked repository is left alone: a backup takes minutes.
const lockPause = 5 * time.Second

// lockMessage is what restic ("repository is already locked") and Borg ("Failed to create/acquire the lock") say. Not all of
// their versions wait by themselves, or have an exit code for it.
var lockMessage = regexp.MustCompile(`(?i)already locked|acquire the lock|lock.*timeout`)

// unlocked runs a program of which each run needs the repository to itself, again and again while it is locked, for as long
// as the verification may take.
func (v *verification) unlocked(ctx context.Context, run func() error) error {
	for reported := false; ; {
		err := run()
		if err == nil || !lockMessage.MatchString(err.Error()) {
			return err
		}
		if !reported {
			v.say("the repository is locked; waiting for it")
			reported = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errLocked, err)
		case <-time.After(lockPause):
		}
	}
}
