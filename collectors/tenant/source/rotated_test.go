package source

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

func TestRotationByRenaming(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(10))
		r.start()
		r.wants(10)
		r.rename("access.log", "access.log.1")
		r.append("access.log.1", logLines(3)) // the server has not opened the new one yet
		r.append("access.log", logLines(4))
		r.append("access.log.1", logLines(2))
		r.wants(19)
		time.Sleep(2 * drainTime)
		r.zip("access.log.1")
		r.rename("access.log.1.gz", "access.log.2.gz")
		r.rename("access.log", "access.log.1")
		r.append("access.log", logLines(1))
		r.wants(20)
	})
}

func TestRotationByCopyAndTruncate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(100))
		r.start()
		r.wants(100)
		text, _ := os.ReadFile(r.path("access.log"))
		// Between our last look and the copy more was written.
		more := logLines(7)
		r.write("access.log.1", append(text, more...))
		// Cut off, and at once longer than before.
		r.write("access.log", logLines(150))
		r.wants(257)
		r.truncate("access.log")
		time.Sleep(5 * pollEvery)
		r.append("access.log", logLines(2))
		r.wants(259)
	})
}

func TestRotationWhileStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log.1", logLines(50)) // was there before us
		r.append("access.log", logLines(10))
		r.start()
		r.wants(10)
		r.stop()
		time.Sleep(20 * time.Millisecond)
		r.append("access.log", logLines(5))
		r.rename("access.log.1", "access.log.4")
		r.rename("access.log", "access.log.3")
		r.zip("access.log.3")
		r.append("access.log.2", logLines(20)) // came and went while we were away
		r.zip("access.log.2")
		r.append("access.log.1", logLines(30))
		r.append("access.log", logLines(1))
		r.start()
		r.wants(10 + 5 + 20 + 30 + 1)
		r.stop()
		r.start()
		r.wants(66)
	})
}

// More files than are remembered came and went unobserved, the newest with the lowest number.
func TestMoreRotatedFilesThanAreRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(1))
		r.start()
		r.wants(1)
		r.stop()
		const files = 3 * maxRemembered
		for i := range files {
			time.Sleep(2 * time.Millisecond)
			r.append(fmt.Sprintf("access.log.%03d", files-i), logLines(2))
		}
		// One of the oldest is still being worked on while the others are read and forgotten.
		oldest := r.path(fmt.Sprintf("access.log.%03d", files))
		info, err := os.Stat(oldest)
		if err != nil {
			t.Fatal(err)
		}
		r.start()
		for i := range 100 {
			at := info.ModTime().Add(time.Duration(i) * time.Microsecond)
			if err := os.Chtimes(oldest, at, at); err != nil {
				t.Fatal(err)
			}
			time.Sleep(settleTime / 5)
		}
		r.wants(1 + 2*files)
		r.stop()
		r.start()
		r.wants(1 + 2*files)
		if n := len(r.store.Files(0)); n > maxRemembered+2 {
			t.Errorf("%d files are remembered", n)
		}
	})
}

// A rotated file of a clock that was ahead hides none that comes later, and is itself read once or, if it was there
// before, never.
func TestRotatedFileFromTheFuture(t *testing.T) {
	for _, packed := range []bool{false, true} {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("packed %v, later %v", packed, later), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					r := newReader(t)
					want := 100
					ahead := func(n int) {
						r.append("new", r.lines(n))
						at := time.Now().Add(48 * time.Hour)
						if err := os.Chtimes(r.path("new"), at, at); err != nil {
							t.Fatal(err)
						}
						if r.rename("new", "access.log.9"); packed {
							r.zip("access.log.9")
						}
					}
					if !later {
						ahead(7)
					}
					r.append("access.log", r.lines(100))
					r.start()
					r.wants(want)
					if later {
						ahead(7)
						want += 7
						r.wants(want)
					}
					restart := func() {
						r.stop()
						r.start()
						r.wants(want)
					}
					restart()
					r.stop()
					r.append("other", r.lines(30)) // came and went
					r.rename("other", "access.log.2")
					r.start()
					want += 30
					r.wants(want)
					restart()
				})
			})
		}
	}
}

// Earlier versions noted the time of a file from the future, which hides all others until then.
func TestJudgedUpToTheFutureIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", r.lines(10))
		r.start()
		r.wants(10)
		future := time.Now().Add(48 * time.Hour).UnixNano()
		noted := store.Encode(&store.Batch{Files: []store.File{{ID: judgedID, Modified: future}}})
		if err := r.store.Commit(t.Context(), noted); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.start()
		r.until("given up", func() bool {
			return slices.ContainsFunc(r.store.Files(0),
				func(f store.File) bool { return f.ID == judgedID && f.Modified < future })
		})
		r.append("other", r.lines(30)) // came and went
		r.rename("other", "access.log.2")
		r.wants(40)
	})
}

// A server writes and rotates in every way while the reader is stopped and started: each line counts once. It pauses in
// real time, in no bubble, so that it writes while the reader is at work.
func TestRotationUnderLoad(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(1))
	r.start()
	total := 1
	generation := 0
	for round := range 40 {
		for range 20 {
			r.append("access.log", logLines(10))
			total += 10
		}
		if round%3 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		switch round % 4 {
		case 0:
			r.stop()
			r.append("access.log", logLines(3))
			total += 3
			r.start()
		case 1:
			generation++
			r.rename("access.log", fmt.Sprintf("access.log.%d", 1000-generation))
			r.append("access.log", logLines(1))
			total++
		case 2:
			r.stop()
			time.Sleep(10 * time.Millisecond)
			generation++
			name := fmt.Sprintf("access.log.%d", 1000-generation)
			r.rename("access.log", name)
			r.zip(name)
			r.append("access.log", logLines(1))
			total++
			r.start()
		}
		time.Sleep(2 * settleTime)
	}
	r.wants(total)
}
