package receive

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// Who never had a turn goes first, then who had it the longest ago, then the shorter body.
func TestFairQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var queue fairQueue
		loud, quiet := clientaddr.Prefix(post("192.0.2.1:1")), clientaddr.Prefix(post("192.0.2.2:1"))
		fresh := clientaddr.Prefix(post("192.0.2.3:1"))
		wait := func(n int) {
			t.Helper()
			if synctest.Wait(); len(queue.waiting) != n {
				t.Fatalf("%d wait, not %d", len(queue.waiting), n)
			}
		}
		if !queue.enter(quiet, 1, nil) {
			t.Fatal("the quiet sender gets no turn")
		}
		queue.leave()
		if !queue.enter(loud, 1, nil) {
			t.Fatal("the loud sender gets no turn")
		}
		order := make(chan string, 5)
		for i, w := range []*turn{{from: loud, size: 1}, {from: loud, size: 2}, {
			from: quiet, size: 9,
		}, {from: fresh, size: 9}, {from: clientaddr.Prefix(post("192.0.2.4:1")), size: 8}} {
			name := []string{"loud", "loud, longer", "quiet", "fresh", "fresh, shorter"}[i]
			go func() {
				if queue.enter(w.from, w.size, nil) {
					order <- name
				}
			}()
			wait(i + 1)
		}
		gaveUp := make(chan time.Time)
		given := make(chan bool, 1)
		go func() { given <- queue.enter(fresh, 0, gaveUp) }()
		wait(6)
		close(gaveUp)
		if <-given {
			t.Error("a turn for one that gave up")
		}
		for _, want := range []string{"fresh, shorter", "fresh", "quiet", "loud", "loud, longer"} {
			queue.leave()
			if got := <-order; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		queue.leave()
		if queue.busy || len(queue.waiting) > 0 {
			t.Errorf("left: %+v", &queue)
		}
		for i := range 3 * maxTurns {
			queue.enter(clientaddr.Prefix(post(httptestAddr(i))), 1, nil)
			queue.leave()
		}
		if len(queue.last) > maxTurns {
			t.Errorf("%d addresses are remembered", len(queue.last))
		}
	})
}
