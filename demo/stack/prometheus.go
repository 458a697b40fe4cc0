package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// prometheusData is where Prometheus keeps its samples.
const prometheusData = "prometheus-data"

// scrapeConfig is what the configuration of a Prometheus is made of.
type scrapeConfig struct {
	Labels     map[string]string // external ones
	Rules      []string
	Requests   bool
	Classic    bool
	Exporters  []string
	Prometheus []string // every one, itself among them
	Rulers     []string
	// Alertmanager is scraped, and alerts are sent to it.
	Alertmanager string
}

// writeScrapeConfig writes the configuration of a Prometheus.
func (s *Stack) writeScrapeConfig(name string, c scrapeConfig) error {
	c.Requests, c.Classic = s.options.requests(), s.options.Classic
	c.Exporters, c.Alertmanager = s.Exporters, s.Alertmanager
	text, err := render(name, prometheusTemplate, c)
	if err != nil {
		return err
	}
	return s.write(name, text)
}

// startPrometheus starts Prometheus on the generated rules.
func (s *Stack) startPrometheus() (err error) {
	flags := []string{
		"--config.file=" + filepath.Join(s.Dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(s.Dir, prometheusData),
		"--web.listen-address=" + s.Prometheus,
	}
	if s.options.Console != "" {
		flags = append(flags, "--web.external-url=http://"+s.Console) // links of alerts open the console
	}
	if len(s.options.Features) > 0 {
		flags = append(flags, "--enable-feature="+strings.Join(s.options.Features, ","))
	}
	s.prometheus, err = start(s.Dir, "prometheus", s.program("tools/prometheus"), flags...)
	return err
}

// awaitScrapes waits until every target of a Prometheus is up.
func (s *Stack) awaitScrapes(ctx context.Context, p *process, address string) error {
	return s.wait(ctx, p, p.name+" does not scrape every part", func() error { return s.scraped(ctx, address) })
}

// scraped returns nil once every target of a Prometheus is up.
func (s *Stack) scraped(ctx context.Context, address string) error {
	text, err := get(ctx, "http://"+address+"/api/v1/targets?state=active")
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				ScrapeURL string `json:"scrapeUrl"`
				Health    string `json:"health"`
				LastError string `json:"lastError"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if len(answer.Data.ActiveTargets) < len(s.Exporters)+2 {
		return errors.New("targets are not loaded yet")
	}
	for _, t := range answer.Data.ActiveTargets {
		if t.Health != "up" {
			return fmt.Errorf("%s is %s %s", t.ScrapeURL, t.Health, t.LastError)
		}
	}
	return nil
}
