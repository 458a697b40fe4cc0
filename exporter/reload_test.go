package exporter

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A policy that is replaced by a pipe is refused at once, and the next good one is taken.
func TestPipeInThePolicysPlace(t *testing.T) {
	file := newPolicyFile(t, site(t))
	_, base := start(t, Options{Load: file.load, EnableLifecycle: true})
	if err := errors.Join(os.Remove(string(file)), syscall.Mkfifo(string(file), 0o600)); err != nil {
		t.Fatal(err)
	}
	a := ask(t, http.MethodPost, base+"/-/reload")
	if a.code != http.StatusInternalServerError || !strings.Contains(a.body, "must be a regular file, not a pipe") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if err := os.Remove(string(file)); err != nil {
		t.Fatal(err)
	}
	file.write(t, "staging", site(t))
	if a := ask(t, http.MethodPost, base+"/-/reload"); a.code != http.StatusOK {
		t.Errorf("the next good one: %d %s", a.code, a.body)
	}
}

// A disk that hangs delays the next reload for as long as one may take, and no longer.
func TestHungReloadDoesNotBlockTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := true
		p := newPolicy(quiet(), func(ctx context.Context) (*config.Policy, error) {
			if hang {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
			return &config.Policy{}, nil
		}, func(*config.Policy) error { return nil })
		start := time.Now()
		first := make(chan error, 1)
		go func() { first <- p.reload(t.Context()) }()
		synctest.Wait()
		hang = false
		time.Sleep(time.Second)
		if err := p.reload(t.Context()); err != nil {
			t.Errorf("second: %v", err)
		}
		if err := <-first; !errors.Is(err, errReloadHangs) {
			t.Errorf("first: %v", err)
		}
		if took := time.Since(start); took != reloadTimeout {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPipeAsWebConfiguration(t *testing.T) {
	pipe := t.TempDir() + "/pipe"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	address, no := testkit.FreeAddress(t), false
	err := Run(t.Context(), Options{
		Logger: quiet(), Load: newPolicyFile(t, site(t)).load, Collectors: map[string]bool{health.Definition.Name: true},
		Web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &no, WebConfigFile: &pipe},
	})
	if err == nil || !strings.Contains(err.Error(), "--web.config.file") || !strings.Contains(err.Error(), "not a pipe") {
		t.Errorf("err = %v", err)
	}
}
