package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// Replica is one half of a pair that scrapes and evaluates: a Prometheus without rules with its sidecar, and a Thanos
// ruler with a Querier that only this ruler asks. The Querier reads both Prometheus, and of the rulers its own: totals
// read their own past, which the other ruler's copy would double or mix. It drops all external labels, so that the
// rules see series as a Prometheus has them.
type Replica struct {
	Prometheus, Ruler, Querier string // where they serve HTTP

	number                                 string
	sidecarStore, rulerStore, querierStore string
	prometheus, sidecar, ruler, querier    *process
}

// External labels: both Prometheus and both rulers have clusterLabel. The replicas differ by the others, which are two,
// so that no ruler has the labels of a Prometheus: its blocks must be its own. Alerts are sent without rulerLabel.
const (
	clusterLabel    = "cluster"
	prometheusLabel = "replica"
	rulerLabel      = "ruler"
	cluster         = "demo"
)

// startReplicas starts the pair and returns when both Prometheus scrape every part.
func (s *Stack) startReplicas(ctx context.Context) error {
	for i := range 2 {
		r := &Replica{number: strconv.Itoa(i + 1)}
		for _, address := range []*string{
			&r.Prometheus, &r.Ruler, &r.Querier, &r.sidecarStore, &r.rulerStore, &r.querierStore,
		} {
			var err error
			if *address, err = loopback.FreeAddress(); err != nil {
				return err
			}
		}
		s.Replicas = append(s.Replicas, r)
	}
	for i := range s.Replicas {
		s.say("replica %d: Prometheus, sidecar, Querier, ruler", i+1)
		if err := s.StartPrometheus(ctx, i); err != nil {
			return err
		}
		if err := s.startPrivateQuerier(ctx, i); err != nil {
			return err
		}
		if err := s.StartRuler(ctx, i); err != nil {
			return err
		}
	}
	s.say("waiting for the first scrape of every part")
	for _, r := range s.Replicas {
		if err := s.awaitScrapes(ctx, r.prometheus, r.Prometheus); err != nil {
			return err
		}
	}
	return nil
}

// StartPrometheus starts the Prometheus of a replica, or starts it again on the samples that it left. Its sidecar, once
// started, waits for it.
func (s *Stack) StartPrometheus(ctx context.Context, i int) error {
	r := s.Replicas[i]
	name := "prometheus-" + r.number
	c := scrapeConfig{Labels: map[string]string{clusterLabel: cluster, prometheusLabel: r.number}}
	for _, other := range s.Replicas {
		c.Prometheus, c.Rulers = append(c.Prometheus, other.Prometheus), append(c.Rulers, other.Ruler)
	}
	if err := s.writeScrapeConfig(name+".yml", c); err != nil {
		return err
	}
	var err error
	r.prometheus, err = start(s.Dir, name, s.program("tools/prometheus"),
		"--config.file="+filepath.Join(s.Dir, name+".yml"), "--storage.tsdb.path="+filepath.Join(s.Dir, name+"-data"),
		"--web.listen-address="+r.Prometheus)
	if err != nil {
		return err
	}
	if err := s.ready(ctx, r.prometheus, "http://"+r.Prometheus+"/-/ready"); err != nil || r.sidecar != nil {
		return err
	}
	r.sidecar, err = s.startSidecar(ctx, "sidecar-"+r.number, r.Prometheus, r.sidecarStore)
	return err
}

// startPrivateQuerier starts the Querier that the ruler of a replica asks. The ruler is a strict endpoint: while it
// cannot be read, queries fail instead of finding no past, and so what was counted meanwhile is in the next step.
func (s *Stack) startPrivateQuerier(ctx context.Context, i int) (err error) {
	r := s.Replicas[i]
	var endpoints strings.Builder
	fmt.Fprintf(&endpoints, "endpoints:\n  - {address: %q, strict: true}\n", r.rulerStore)
	for _, other := range s.Replicas {
		fmt.Fprintf(&endpoints, "  - {address: %q}\n", other.sidecarStore)
	}
	name := "querier-" + r.number
	if err := s.write(name+".yml", endpoints.String()); err != nil {
		return err
	}
	r.querier, err = s.startThanos(ctx, name, "query", r.Querier, r.querierStore,
		"--endpoint.sd-config-file="+filepath.Join(s.Dir, name+".yml"),
		"--query.replica-label="+strings.Join([]string{clusterLabel, prometheusLabel, rulerLabel}, ","))
	return err
}

// StartRuler starts the ruler of a replica, or starts it again on the records that it left.
func (s *Stack) StartRuler(ctx context.Context, i int) (err error) {
	r := s.Replicas[i]
	name := "ruler-" + r.number
	r.ruler, err = s.startThanos(ctx, name, "rule", r.Ruler, r.rulerStore,
		"--data-dir="+filepath.Join(s.Dir, name+"-data"),
		"--rule-file="+filepath.Join(s.Dir, "bundle", "thanos", "*.yaml"),
		fmt.Sprintf("--label=%s=%q", clusterLabel, cluster),
		fmt.Sprintf("--label=%s=%q", rulerLabel, r.number),
		"--query=http://"+r.Querier,
		"--alert.query-url=http://"+r.Querier,
		"--alertmanagers.url=http://"+s.Alertmanager,
		"--alert.label-drop="+rulerLabel)
	return err
}

// KillPrometheus ends the Prometheus of a replica, as kill -9 does.
func (s *Stack) KillPrometheus(i int) { s.Replicas[i].prometheus.kill() }

// KillRuler ends the ruler of a replica, as kill -9 does.
func (s *Stack) KillRuler(i int) { s.Replicas[i].ruler.kill() }
