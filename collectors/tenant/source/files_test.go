package source

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFileIsFollowedAndContinued(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(1000))
		r.start()
		r.wants(1000)
		all := logLines(10)
		r.append("access.log", all[:100]) // in the middle of a line
		time.Sleep(5 * pollEvery)
		r.append("access.log", all[100:])
		r.wants(1010)
		r.stop()
		r.append("access.log", logLines(5))
		r.start()
		r.wants(1015)
	})
}

// A log that is being opened when a reload ends the source is not one that cannot be read.
func TestReloadIsNoErrorOfALog(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(10))
	r.start()
	r.wants(10)
	r.until("the log is read", func() bool { return r.status.Up.Load() })
	ending, end := context.WithCancel(t.Context())
	end()
	files := r.files(r.pattern, r.number, slog.New(slog.DiscardHandler))
	files.scan(ending, false)
	if up, n := r.status.Up.Load(), r.status.Errors.Load(); !up || n != 0 {
		t.Errorf("after a scan that was interrupted: up %t, %d errors", up, n)
	}
}

// Rotation may take a log away between the listing of a directory and the opening of what was listed; that is not a log
// that cannot be read. A link that leads nowhere is one.
func TestLogThatIsRotatedWhenItWasListed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		o := &once{point: PointListed, name: "access.log", act: func() { r.rename("access.log", "access.log.1") }}
		r.pause = o.pause
		r.append("access.log", r.lines(100))
		r.start()
		r.wants(100)
		o.armed.Store(true)
		r.until("it is rotated", func() bool { return o.passed.Load() && !r.status.Up.Load() })
		r.append("access.log", r.lines(5))
		r.wants(105)
		r.until("the new one is followed", func() bool { return r.status.Up.Load() })
		if n := r.status.Errors.Load(); n != 0 {
			t.Errorf("%d errors", n)
		}
		r.rename("access.log", "access.log.2")
		if err := os.Symlink("nowhere", r.path("access.log")); err != nil {
			t.Fatal(err)
		}
		r.until("the link is reported", func() bool { return r.status.Errors.Load() > 0 && !r.status.Up.Load() })
	})
}

func TestStartAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.fromEnd = true
		r.append("access.log", logLines(10))
		r.start()
		r.wants(0)
		r.until("no lag, and two positions", func() bool { return r.status.Lag.Load() == 0 && len(r.store.Files(0)) >= 2 })
		r.append("access.log", logLines(3))
		r.wants(3)
	})
}

func TestGlobThatCoversRotatedFiles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.pattern = filepath.Join(r.dir, "*")
		r.append("a.log", logLines(10))
		r.append("b.log", logLines(20))
		r.start()
		r.wants(30)
		r.rename("a.log", "a.log.1")
		r.append("a.log", logLines(1))
		text, _ := os.ReadFile(r.path("b.log"))
		r.write("b.log.1", text)
		time.Sleep(10 * pollEvery)
		r.write("b.log", logLines(2))
		r.wants(33)
		time.Sleep(2 * drainTime)
		r.wants(33)
	})
}
