package source

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Prometheus is a server that scrapes the exporters.
type Prometheus struct{ *Client }

// Series is one series of an answer.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a time.
type Point struct {
	At    time.Time
	Value float64
}

// UnmarshalJSON reads a time in seconds and a value in quotes.
func (p *Point) UnmarshalJSON(text []byte) error {
	var at float64
	var value string
	if err := json.Unmarshal(text, &[]any{&at, &value}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("invalid value %q", value)
	}
	if math.Abs(at) > 1e12 {
		return fmt.Errorf("invalid time %g", at)
	}
	p.At, p.Value = time.UnixMilli(int64(math.Round(at*1000))).UTC(), v
	return nil
}

// answerOf is the data of a query.
type answerOf struct {
	Result []struct {
		Metric map[string]string `json:"metric"`
		Value  *Point            `json:"value"`
		Values []Point           `json:"values"`
	} `json:"result"`
}

func (a *answerOf) series() []Series {
	var all []Series
	for _, r := range a.Result {
		s := Series{r.Metric, r.Values}
		if r.Value != nil {
			s.Points = append(s.Points, *r.Value)
		}
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		all = append(all, s)
	}
	return all
}

// At returns the series of an expression at a moment, each with one point.
func (p *Prometheus) At(ctx context.Context, expr string, at time.Time) ([]Series, error) {
	var a answerOf
	err := p.get(ctx, "query", url.Values{"query": {expr}, "time": {unix(at)}}, &a)
	return slices.DeleteFunc(a.series(), func(s Series) bool { return len(s.Points) != 1 }), err
}

// sampleSpan is the longest time of which samples are asked for at once.
const sampleSpan = 24 * time.Hour

// Samples returns the samples of series as they were scraped, with the time of each scrape: from one moment to another,
// both included. A long time is asked for in pieces.
func (p *Prometheus) Samples(ctx context.Context, selector string, from, to time.Time) ([]Series, error) {
	var all joined
	for at := from; at.Before(to); at = at.Add(sampleSpan) {
		end := at.Add(sampleSpan)
		if end.After(to) {
			end = to
		}
		length := end.Sub(at)
		if at.Equal(from) { // a range leaves out its beginning
			length += time.Millisecond
		}
		var a answerOf
		values := url.Values{
			"query": {fmt.Sprintf("%s[%dms]", selector, length.Milliseconds())}, "time": {unix(end)},
		}
		if err := p.get(ctx, "query", values, &a); err != nil {
			return nil, err
		}
		if err := all.add(a.series()); err != nil {
			return nil, err
		}
	}
	return all.series, nil
}

// joined are series of which the points come in pieces.
type joined struct {
	series []Series
	index  map[string]int // by labels
}

func (j *joined) add(more []Series) error {
	if j.index == nil {
		j.index = map[string]int{}
	}
	for _, s := range more {
		key, err := json.Marshal(s.Labels)
		if err != nil {
			return err
		}
		i, ok := j.index[string(key)]
		if !ok {
			i = len(j.series)
			j.index[string(key)] = i
			j.series = append(j.series, Series{Labels: s.Labels})
		}
		j.series[i].Points = append(j.series[i].Points, s.Points...)
	}
	return nil
}

// maxPoints is how many points Prometheus returns of a series at most.
const maxPoints = 11_000

// Between returns the values of an expression from one moment to another, at steps. A long time is asked for in pieces;
// progress, if there is one, is called after each with the share that is done.
func (p *Prometheus) Between(ctx context.Context, expr string, from, to time.Time, step time.Duration,
	progress func(share float64),
) ([]Series, error) {
	var all joined
	piece := step * maxPoints / 2
	for at := from; at.Before(to); at = at.Add(piece) {
		end := at.Add(piece - step)
		if end.After(to) {
			end = to
		}
		var a answerOf
		values := url.Values{
			"query": {expr}, "start": {unix(at)}, "end": {unix(end)},
			"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		}
		if err := p.get(ctx, "query_range", values, &a); err != nil {
			return nil, err
		}
		if err := all.add(a.series()); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(min(float64(end.Sub(from))/float64(to.Sub(from)), 1))
		}
	}
	return all.series, nil
}

func unix(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }
