package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// once runs an action the first time that a point is passed with a file after it was armed.
type once struct {
	point  Point
	name   string
	armed  atomic.Bool
	passed atomic.Bool
	act    func()
}

func (o *once) pause(at Point, path string) {
	if at == o.point && filepath.Base(path) == o.name && o.armed.CompareAndSwap(true, false) {
		o.act()
		o.passed.Store(true)
	}
}

// cutOff copies a log, truncates it, and lets it grow again.
func (r *reader) cutOff(name, copied string, regrown []byte) {
	text, err := os.ReadFile(r.path(name))
	if err == nil {
		err = os.WriteFile(r.path(copied), text, 0o600)
		r.touch(copied)
	}
	if err == nil {
		err = os.Truncate(r.path(name), 0)
	}
	if err != nil {
		r.t.Error(err)
		return
	}
	r.append(name, regrown)
}

// A log that is copied and truncated between any two steps of reading it is counted once, however long it has grown
// since.
func TestTruncatedAtEveryPoint(t *testing.T) {
	for _, point := range []Point{PointLooked, PointRead, PointClaimed, PointConfirmed, PointSaved} {
		for _, young := range []bool{true, false} {
			for n, regrown := range []int{0, 2, 40, 400, 401} {
				if point == PointClaimed && !young {
					continue // only a log that was not known by its beginning passes it
				}
				t.Run(fmt.Sprintf("%s/young=%t/%d", point, young, regrown), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(t *testing.T) {
						r := newReader(t)
						written := make(chan struct{})
						o := &once{point: point, name: "access.log", act: func() {
							<-written // part of what is written may be read before all of it is there
							r.cutOff("access.log", "access.log.1", r.lines(regrown))
							if n%2 == 1 { // who looks for copies gets to it before
								time.Sleep(5 * settleTime)
							}
						}}
						r.pause = o.pause
						total := regrown
						if !young {
							r.append("access.log", r.lines(100))
							total += 100
						}
						r.start()
						r.wants(total - regrown)
						o.armed.Store(true)
						r.append("access.log", r.lines(20))
						close(written)
						r.wants(total + 20)
						if !o.passed.Load() {
							t.Fatal("the point was never passed")
						}
						r.append("access.log", r.lines(3))
						r.wants(total + 23)
						r.exact()
						r.stop()
						r.pause = nil
						r.start()
						r.wants(total + 23)
					})
				})
			}
		}
	}
}

// A log is truncated between the look by which it is recognised after a restart and the reading.
func TestTruncatedWhileItIsFollowed(t *testing.T) {
	for _, regrown := range []int{0, 2, 400} {
		t.Run(strconv.Itoa(regrown), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newReader(t)
				r.append("access.log", r.lines(100))
				r.start()
				r.wants(100)
				r.stop()
				r.append("access.log", r.lines(10))
				o := &once{
					point: PointFollowed, name: "access.log", act: func() { r.cutOff("access.log", "access.log.1", r.lines(regrown)) },
				}
				o.armed.Store(true)
				r.pause = o.pause
				r.start()
				r.wants(110 + regrown)
				r.exact()
			})
		})
	}
}

// A rotated file changes, or another one takes its place, between any two steps of reading it.
func TestRotatedFileChangesAtEveryPoint(t *testing.T) {
	for _, point := range []Point{PointSettled, PointIdentified, PointJudged, PointOpened, PointInflated} {
		for name, change := range map[string]func(r *reader){
			"grows":    func(r *reader) { r.append("access.log.1", r.lines(30)) },
			"is moved": func(r *reader) { r.rename("access.log.1", "access.log.2"); r.append("access.log.1", r.lines(70)) },
			"grows and stands": func(r *reader) {
				all := r.lines(30)
				r.append("access.log.1", all[:len(all)/2-3]) // in the middle of a line
				time.Sleep(3 * settleTime)
				r.append("access.log.1", all[len(all)/2-3:])
			},
		} {
			for _, known := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/known=%t", point, name, known), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(t *testing.T) {
						r := newReader(t)
						o := &once{point: point, name: "access.log.1", act: func() { change(r) }}
						r.pause = o.pause
						r.append("access.log", r.lines(20))
						r.start()
						r.wants(20)
						r.stop()
						time.Sleep(10 * time.Millisecond)
						r.append("access.log", r.lines(1))
						if known {
							r.rename("access.log", "access.log.1") // and the server has not begun a new one
						} else {
							r.append("access.log.1", r.lines(50))
						}
						o.armed.Store(true)
						r.start()
						r.settled()
						if !o.passed.Load() {
							t.Fatal("the point was never passed")
						}
						r.exact()
					})
				})
			}
		}
	}
}

// A copy that is made in pieces, with pauses in which it looks complete, is read once: beside a log that has not been
// truncated yet, after that, and if the glob of the logs covers it too.
func TestCopyThatGrowsSlowly(t *testing.T) {
	for _, glob := range []bool{false, true} {
		for _, early := range []bool{false, true} {
			t.Run(fmt.Sprintf("glob=%t/truncated early=%t", glob, early), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					r := newReader(t)
					if glob {
						r.pattern = r.path("*")
					}
					r.append("access.log", r.lines(50))
					r.start()
					r.wants(50)
					text, err := os.ReadFile(r.path("access.log"))
					if err != nil {
						t.Fatal(err)
					}
					more := r.lines(20)
					if early { // and nothing but the copy has the rest
						r.write("access.log", r.lines(3))
					} else {
						r.append("access.log", more)
					}
					for rest := append(text, more...); len(rest) > 0; {
						n := min(len(rest), 1000)
						if early { // by too little of it nothing can be known that is nowhere else any more
							n = min(len(rest), 2000)
						}
						r.append("access.log.1", rest[:n])
						time.Sleep(3 * settleTime)
						rest = rest[n:]
					}
					r.settled()
					r.write("access.log", r.lines(4))
					r.settled()
					r.exact()
					r.stop()
					r.start()
					r.settled()
					r.exact()
				})
			})
		}
	}
}

// A compressed file that stands still in the middle for so long that it is given up is read on when it is whole.
func TestArchiveThatIsWrittenSlowly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", r.lines(1))
		r.start()
		r.wants(1)
		r.stop()
		r.append("access.log.1", r.lines(2000))
		r.zip("access.log.1")
		whole, err := os.ReadFile(r.path("access.log.1.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{5, len(whole) / 3, len(whole) / 2} {
			r.write("access.log.1.gz", whole[:n])
			if r.stop == nil {
				r.start()
			}
			before := r.status.Errors.Load()
			r.until("it is given up", func() bool { return r.status.Errors.Load() >= before+maxTries })
		}
		r.write("access.log.1.gz", whole)
		r.wants(2001)
		s, _ := r.store.Source(0)
		if n := s.Outcomes[decode.Syntax]; n > 2 {
			t.Errorf("%d lines are rejected: %v", n, s.Outcomes)
		}
	})
}

// A source that begins at the ends of its logs counts what is written from then on, wherever it is truncated meanwhile,
// and the whole of a line that was being written.
func TestTruncatedWhileItsEndIsLookedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.fromEnd = true
		old := logLines(100)
		r.append("access.log", old[:len(old)-30]) // in the middle of a line
		r.append("b.log", old)
		r.pattern = r.path("*.log")
		o := &once{point: PointMeasured, name: "access.log", act: func() {
			if err := os.Truncate(r.path("access.log"), 0); err != nil {
				t.Error(err)
			}
			lines := logLines(200)
			r.append("access.log", lines[:len(lines)-30])
		}}
		o.armed.Store(true)
		r.pause = o.pause
		r.start()
		r.wants(0)
		r.append("access.log", old[len(old)-30:])
		r.append("b.log", logLines(5))
		r.wants(6)
	})
}

// Logs with equal beginnings, because their first lines have no times, are distinguished by the lines counted last.
func TestTruncatedAndBegunAlike(t *testing.T) {
	same := bytes.Repeat(
		[]byte(`{"host":"acme.thorbis.app","status":200,"x":"the same at each start of the server"}`+"\n"), 20)
	if len(same) < headSize {
		t.Fatal(len(same))
	}
	for _, restart := range []bool{false, true} {
		for _, how := range []string{"copied", "renamed"} {
			t.Run(fmt.Sprintf("%s/restart=%t", how, restart), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					r := newReader(t)
					r.append("access.log", slices.Concat(same, r.lines(100)))
					r.start()
					r.wants(120)
					if restart {
						r.stop()
					}
					r.append("access.log", r.lines(7))
					grown := slices.Concat(same, r.lines(150))
					if how == "copied" {
						r.cutOff("access.log", "access.log.1", grown)
					} else {
						r.rename("access.log", "access.log.1")
						r.append("access.log", grown)
					}
					r.made.Add(40)
					if restart {
						r.start()
					}
					r.wants(120 + 7 + 170)
					r.exact()
					r.stop()
					r.append("access.log", r.lines(1))
					r.start()
					r.wants(120 + 7 + 171)
				})
			})
		}
	}
}
