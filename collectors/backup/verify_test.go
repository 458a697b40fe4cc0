package backup

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Whoever waits for a long program is told that it still runs; nothing is said once it is done.
func TestWorkingTellsThatItStillRuns(t *testing.T) {
	said := make(chan string, 1000)
	say, done := working(func(format string, args ...any) { said <- fmt.Sprintf(format, args...) }, time.Millisecond)
	for deadline := time.After(time.Minute); ; {
		select {
		case text := <-said:
			if strings.HasPrefix(text, "still at it after ") {
				done()
				say("last")
				for text != "last" {
					text = <-said
				}
				select {
				case text := <-said:
					t.Errorf("it goes on: %s", text)
				default:
				}
				return
			}
		case <-deadline:
			t.Fatal("nothing is said")
		}
	}
}
