package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/thorbis/thorbis_exporter/dashboards/preview"
	"github.com/thorbis/thorbis_exporter/metric"
)

// rulesTimeout bounds the question whether a Prometheus evaluates the rules, maxRulesAnswer its answer.
const (
	rulesTimeout   = 10 * time.Second
	maxRulesAnswer = 1 << 20
)

// warnWithoutRules warns where the Prometheus cannot be asked, or does not hold what the rules of the bundle record:
// panels then show what is missing as nothing that is wrong.
func warnWithoutRules(ctx context.Context, logger *slog.Logger, o preview.Options) {
	switch found, err := holdsRecords(ctx, o); {
	case ctx.Err() != nil:
	case err != nil:
		logger.Warn("The Prometheus does not answer", "err", err)
	case !found:
		logger.Warn("The Prometheus holds no records of the rules that thorbis_mixin generate writes. Dashboards read "+
			"these records: panels are empty, and that nothing is down means nothing. Load the rules, or wait until they have "+
			"been evaluated.",
			"missing", metric.PageRank.Name)
	}
}

// holdsRecords reports whether a Prometheus has a record that the rules of every policy write.
func holdsRecords(ctx context.Context, o preview.Options) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, rulesTimeout)
	defer cancel()
	at := o.Prometheus.JoinPath("/api/v1/query")
	at.RawQuery = url.Values{"query": {metric.PageRank.Name}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return false, err
	}
	client := &http.Client{ // credentials are for that address alone
		Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Data struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("it answered %s", resp.Status)
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxRulesAnswer)).Decode(&answer)
	return len(answer.Data.Result) > 0, err
}
