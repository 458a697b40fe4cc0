package testkit

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	message string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		Eventually(t, func() bool { return time.Since(start) > 119*time.Second }, "119 s pass")
		if took := time.Since(start); took > 120*time.Second {
			t.Errorf("a condition that holds after 119 s took %s", took)
		}

		r, n := &recorder{TB: t}, 0
		start = time.Now()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Eventually(r, func() bool { n++; return false }, "%s: n is %04d", "enough", Last(func() any { return n }))
		}()
		<-ended
		if took := time.Since(start); took < limit || took > limit+time.Second {
			t.Errorf("it gave up after %s", took)
		}
		if want := fmt.Sprintf("not within 2m0s: enough: n is %04d", n); n < 1000 || r.message != want {
			t.Errorf("message %q, want %q", r.message, want)
		}
	})
}
