// Package verify tests backups: whether what a program keeps is intact, and whether it can be restored. Subcommands
// that a timer runs call it; the exporter does not link it. Each test leaves a result file, which the exporter reads.
package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

// verification collects the findings of a test, one check after the other. It implements program.Verification.
type verification struct {
	result.Result
	// say reports progress to a person.
	say func(format string, args ...any)
	// files is the directory that holds the backup, nil if none does.
	files *root
	// limit ends with the time that the verification has. A check that it cut short found nothing: broken is then its
	// error.
	limit  context.Context
	broken error
}

var _ program.Verification = (*verification)(nil)

// Say reports progress to a person.
func (v *verification) Say(format string, args ...any) { v.say(format, args...) }

// Check records the result of one check.
func (v *verification) Check(name string, err error) {
	if v.limit != nil && v.limit.Err() != nil && cutShort(err) {
		v.broken = fmt.Errorf("%s: %w", name, err)
		v.Say("%s: %v", name, err)
		return
	}
	c := result.Check{Name: name, Success: err == nil}
	verdict := "ok"
	if err != nil {
		c.Detail = document.Short(err.Error())
		verdict = err.Error()
	}
	v.Checks = append(v.Checks, c)
	v.Say("%s: %s", name, verdict)
}

// cutShort reports whether an error is that of a limit of time.
func cutShort(err error) bool {
	return errors.Is(err, command.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled)
}

// Read counts bytes that were read.
func (v *verification) Read(n int64) {
	total := n
	if v.ReadBytes != nil {
		total += *v.ReadBytes
	}
	v.ReadBytes = &total
}

// Missing counts segments that the archive lacks.
func (v *verification) Missing(n int) {
	total := int64(n)
	if v.WALMissing != nil {
		total += *v.WALMissing
	}
	v.WALMissing = &total
}

// Backup verifies a backup and leaves a result file. It returns an error if the verification cannot be made, needs more
// time than it has, or its result cannot be written. A backup that is not intact is a result without success.
func Backup(ctx context.Context, b *config.Backup, say func(format string, args ...any)) (*result.Result, error) {
	q, err := program.NewQuery(b)
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	if program.Find(b.Source.Program).Verify == nil {
		return nil, fmt.Errorf("backup %s: %s has nothing to verify with; a restore test proves more", b.Name,
			b.Source.Program)
	}
	if b.Source.File != "" {
		return nil, fmt.Errorf("backup %s: only its listing is here; verify it where its program runs", b.Name)
	}
	limited, cancel := context.WithTimeoutCause(ctx, b.Verify.Timeout.Std(), command.ErrTimeout)
	defer cancel()
	say, done := working(say, sayEvery)
	defer done()
	v := newVerification(b.Name, metric.TestVerify, say)
	v.limit = limited
	err = q.Verify(limited, v)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("backup %s: the verification was broken off: %w", b.Name, ctx.Err())
	}
	if errors.Is(err, program.ErrLocked) {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	if err != nil {
		v.Check("run", err)
	}
	// A finding of the time before is a result; without one nothing is known of the backup.
	if v.broken != nil && v.Failed() == 0 {
		return nil, fmt.Errorf(
			"backup %s: the verification needs more than %s and was broken off without a result; raise verify.timeout: %w",
			b.Name, b.Verify.Timeout, v.broken)
	}
	return v.finish(b.Results)
}

func newVerification(backup, test string, say func(format string, args ...any)) *verification {
	return &verification{Result: result.Result{Backup: backup, Test: test, Started: time.Now().UTC()}, say: say}
}

// finish ends the test and writes its result file.
func (v *verification) finish(dir string) (*result.Result, error) {
	v.Finished = time.Now().UTC()
	v.Success = len(v.Checks) > 0 && v.Failed() == 0
	return &v.Result, v.Write(dir)
}

// sayEvery is how often a long-running program is reported as still running.
const sayEvery = time.Minute

// working returns a say that several goroutines may call. Until done is called, it reports the elapsed time at
// intervals.
func working(say func(format string, args ...any), every time.Duration) (safe func(format string, args ...any),
	done func(),
) {
	var mu sync.Mutex
	safe = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		say(format, args...)
	}
	start, stop := time.Now(), make(chan struct{})
	stopped := collectors.Async(func() error {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return nil
			case <-ticker.C:
				safe("still running after %s", time.Since(start).Round(time.Second))
			}
		}
	})
	return safe, func() {
		close(stop)
		if err := <-stopped; err != nil {
			safe("%v", err)
		}
	}
}
