package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

// verification proves a backup whole, one check after the other.
type verification struct {
	Result
	// say reports progress to a person.
	say func(format string, args ...any)
	// files is the directory that holds the backup, where one does.
	files *root
	// limit is the time that the verification has. A check that it cut short found nothing: broken is then why.
	limit  context.Context
	broken error
}

// check notes what one check found.
func (v *verification) check(name string, err error) {
	if v.limit != nil && v.limit.Err() != nil && cutShort(err) {
		v.broken = fmt.Errorf("%s: %w", name, err)
		v.say("%s: %v", name, err)
		return
	}
	c := CheckResult{Name: name, Success: err == nil}
	verdict := "ok"
	if err != nil {
		c.Detail = short(err.Error())
		verdict = err.Error()
	}
	v.Checks = append(v.Checks, c)
	v.say("%s: %s", name, verdict)
}

// cutShort reports whether an error is that of a limit of time.
func cutShort(err error) bool {
	return errors.Is(err, command.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// read counts bytes that were read.
func (v *verification) read(n int64) {
	total := n
	if v.ReadBytes != nil {
		total += *v.ReadBytes
	}
	v.ReadBytes = &total
}

// missing counts segments that the archive lacks.
func (v *verification) missing(n int) {
	total := int64(n)
	if v.WALMissing != nil {
		total += *v.WALMissing
	}
	v.WALMissing = &total
}

// Verify proves a backup whole and leaves a result file. The error is that the verification could not be
// made, needs more time than it has, or its result not be written; a backup that is not whole is a result without success.
func Verify(ctx context.Context, b *config.Backup, say func(format string, args ...any)) (*Result, error) {
	q, err := newQuery(b)
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	if q.adapter.verify == nil {
		return nil, fmt.Errorf("backup %s: %s has nothing to verify with; a restore test proves more", b.Name, q.adapter.name)
	}
	if q.source.File != "" {
		return nil, fmt.Errorf("backup %s: only its listing is here; verify it where its program runs", b.Name)
	}
	limited, cancel := context.WithTimeoutCause(ctx, b.Verify.Timeout.Std(), command.ErrTimeout)
	defer cancel()
	say, done := working(say, sayEvery)
	defer done()
	v := &verification{Result: Result{Backup: b.Name, Test: metric.TestVerify, Started: time.Now().UTC()}, say: say, limit: limited}
	err = q.adapter.verify(limited, q, v)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("backup %s: the verification was broken off: %w", b.Name, ctx.Err())
	}
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	if err != nil {
		v.check("run", err)
	}
	// What was found before the time was up is a finding; without one nothing is known of the backup.
	if v.broken != nil && v.failedChecks() == 0 {
		return nil, fmt.Errorf("backup %s: the verification needs more than %s and was broken off without a result; raise verify.timeout: %w", b.Name, b.Verify.Timeout, v.broken)
	}
	v.Finished = time.Now().UTC()
	v.Success = len(v.Checks) > 0 && v.failedChecks() == 0
	return &v.Result, v.Write(b.Results)
}

// sayEvery is how often a long-running program is reported as still running.
const sayEvery = time.Minute

// working returns a say that several goroutines may call. Until done is called, it reports the elapsed time at
// intervals.
func working(say func(format string, args ...any), every time.Duration) (safe func(format string, args ...any), done func()) {
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
