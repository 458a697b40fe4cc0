package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

type fakeCollector struct {
	refuse  error
	panics  bool
	policy  *config.Policy // in force
	pending *config.Policy // prepared, and neither committed nor aborted
}

func (*fakeCollector) Describe(chan<- *prometheus.Desc) {}
func (*fakeCollector) Collect(chan<- prometheus.Metric) {}
func (*fakeCollector) Run(context.Context, *collectors.Group) error {
	return nil
}

func (f *fakeCollector) Prepare(p *config.Policy) (collectors.Change, error) {
	if f.panics {
		panic("no disk")
	}
	if f.refuse != nil {
		return collectors.Change{}, f.refuse
	}
	f.pending = p
	return collectors.Change{
		Commit: func() { f.policy, f.pending = f.pending, nil },
		Abort:  func() { f.pending = nil },
	}, nil
}

func TestPolicyIsInForceEverywhereOrNowhere(t *testing.T) {
	first, second, third := &fakeCollector{}, &fakeCollector{}, &fakeCollector{}
	all := []running{{"first", first}, {"second", second}, {"third", third}}
	old, next := &config.Policy{}, &config.Policy{}
	if err := applyAll(all, old, quiet()); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no such disk")
	for _, refuse := range []func(){
		func() { third.refuse = cause },
		func() { third.refuse, third.panics = nil, true },
	} {
		refuse()
		err := applyAll(all, next, quiet())
		if strings.Contains(fmt.Sprint(err), "goroutine") {
			t.Errorf("a stack is shown to whoever reloads: %v", err)
		}
		if err == nil || third.refuse != nil && !errors.Is(err, cause) || !strings.Contains(err.Error(), "collector third") {
			t.Errorf("err = %v", err)
		}
		for _, c := range []*fakeCollector{first, second, third} {
			if c.policy != old {
				t.Error("one collector runs the refused policy")
			}
			if c.pending != nil {
				t.Error("one collector was left with the refused policy in its hands")
			}
		}
	}
}

// Each collector is listed once, with a help that a flag can show, and its name is a label value of the exporter's own
// series.
func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Definitions {
		if seen[d.Name] || d.Name == "" || !strings.HasSuffix(d.Help, ".") || d.New == nil {
			t.Errorf("definition %+v", d)
		}
		seen[d.Name] = true
		if c := d.New(collectors.Site{Logger: quiet(), Host: "h", Paths: collectors.DefaultPaths()}); c == nil {
			t.Errorf("no collector %s", d.Name)
		}
	}
}
