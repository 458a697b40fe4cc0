package backtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/mixin/backtest/answer"
)

var errUnreachable = errors.New("the Prometheus cannot be reached")

// sample is one raw sample.
type sample struct {
	key    string
	labels labels.Labels
	t      int64
	v      float64
}

// call asks the server once, and then rests so long that it is busy with us for a part of the time only.
func (r *replay) call(ctx context.Context, path string, form url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.URL, "/")+path,
		strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	began := time.Now()
	response, err := r.Client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: it does not let us in (%s): say who asks with --http.config.file", errUnreachable,
			response.Status)
	case http.StatusNotFound:
		return fmt.Errorf("%w: there is no %s (%s): is this its address, with its path if it has one?", errUnreachable,
			request.URL.Redacted(), response.Status)
	}
	if err := answer.Decode(response.Body, data); err != nil {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	if r.Load <= 0 || r.Load >= 1 {
		return nil
	}
	rest := time.NewTimer(time.Duration(float64(time.Since(began)) * (1/r.Load - 1)))
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-rest.C:
		return nil
	}
}

// present returns the selectors of which the server holds a series in the period.
func (r *replay) present(ctx context.Context, wanted []string) ([]string, error) {
	var found []string
	for _, s := range wanted {
		var series []json.RawMessage
		err := r.call(ctx, "/api/v1/series",
			url.Values{"match[]": {s}, "start": {unix(r.From)}, "end": {unix(r.To)}, "limit": {"1"}}, &series)
		if errors.Is(err, errUnreachable) {
			return nil, err // whatever was asked
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
		if len(series) > 0 {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the server holds none of the series that these rules read in that time")
	}
	return found, nil
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// fetch reads the raw samples of a piece, its begin excluded. Histograms are left out: no alert reads them.
func (r *replay) fetch(ctx context.Context, selectors []string, from, to time.Time) ([]sample, error) {
	var all []sample
	for _, s := range selectors {
		var data answer.Matrix
		expr := fmt.Sprintf("%s[%s]", s, model.Duration(to.Sub(from).Round(time.Millisecond)))
		if err := r.call(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {unix(to)}}, &data); err != nil {
			return nil, fmt.Errorf("%s: %w (if these are too many samples, read smaller pieces: --chunk=30m)", expr, err)
		}
		for _, series := range data.Result {
			ls := labels.FromMap(series.Metric)
			key := ls.String()
			for _, v := range series.Values {
				all = append(all, sample{key, ls, v.T, v.V})
			}
		}
	}
	return all, nil
}
