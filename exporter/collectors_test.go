package exporter

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

type fakeCollector struct {
	refuse error
	policy *config.Policy
}

func (*fakeCollector) Describe(chan<- *prometheus.Desc) {}
func (*fakeCollector) Collect(chan<- prometheus.Metric) {}
func (*fakeCollector) Run(context.Context, collectors.Report) error {
	return nil
}

func (f *fakeCollector) Apply(p *config.Policy) error {
	if f.refuse == nil {
		f.policy = p
	}
	return f.refuse
}

func TestPolicyIsInForceEverywhereOrNowhere(t *testing.T) {
	first, second := &fakeCollector{}, &fakeCollector{}
	all := []running{{"first", first}, {"second", second}}
	old, next := &config.Policy{}, &config.Policy{}
	if err := applyAll(all, old, nil); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no such disk")
	second.refuse = cause
	err := applyAll(all, next, old)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "second") {
		t.Errorf("err = %v", err)
	}
	if first.policy != old || second.policy != old {
		t.Error("one collector runs the refused policy")
	}
}
