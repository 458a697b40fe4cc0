package exporter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowServer has a request that never ends, unless it is cut off.
type slowServer struct{ cut chan struct{} }

func (s *slowServer) Shutdown(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (s *slowServer) Close() error                       { close(s.cut); return nil }

// Whatever hangs, alone or together, a stop is over in time, by a clock that no busy machine slows down.
func TestStopIsBoundedWhateverHangs(t *testing.T) {
	for name, hangs := range map[string]struct{ requests, collectors, state bool }{
		"nothing":    {},
		"requests":   {requests: true},
		"collectors": {collectors: true},
		"state":      {state: true},
		"everything": {true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				var s stop
				start := time.Now()
				var servers []server
				slow := &slowServer{make(chan struct{})}
				if hangs.requests {
					servers = []server{slow, &slowServer{make(chan struct{})}}
				}
				s.requests(servers, quiet())
				collected := make(chan struct{})
				if !hangs.collectors {
					close(collected)
				}
				if err := s.collected(collected); (err != nil) != hangs.collectors {
					t.Errorf("collectors: %v", err)
				}
				cause := errors.New("closed")
				err := s.within(stateUntil, "the state directory", func() error {
					if hangs.state {
						<-release
					}
					return cause
				})
				if hangs.state != !errors.Is(err, cause) || hangs.state && !strings.Contains(err.Error(), "state directory") {
					t.Errorf("state: %v", err)
				}
				took := time.Since(start)
				if name == "nothing" && took != 0 || took >= StopTimeout {
					t.Errorf("it took %s", took)
				}
				if hangs.requests {
					<-slow.cut
				}
				if !hangs.collectors {
					return
				}
				close(collected)
			})
		})
	}
}
