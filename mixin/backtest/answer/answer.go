// Package answer decodes what Prometheus' HTTP API answers to queries for ranges of raw samples
// (https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats).
package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxBody bounds one answer in bytes.
const maxBody = 1 << 30

// Matrix is the data of a query for a range. Histograms are left out.
type Matrix struct {
	Result []struct {
		Metric map[string]string `json:"metric"`
		Values []Point           `json:"values"`
	} `json:"result"`
}

// Decode reads an answer's data. The error of an answer without success is the server's own message.
func Decode(body io.Reader, data any) error {
	var a struct {
		Status string          `json:"status"`
		Error  string          `json:"error"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(body, maxBody)).Decode(&a); err != nil {
		return fmt.Errorf("the answer is not what a Prometheus says: %w", err)
	}
	if a.Status != "success" {
		return errors.New(a.Error)
	}
	return json.Unmarshal(a.Data, data)
}

// Point is one sample: a time in milliseconds and a value.
type Point struct {
	T int64
	V float64
}

// UnmarshalJSON reads a time in seconds and a value in quotes.
func (p *Point) UnmarshalJSON(text []byte) error {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(string(pair[0]), 64)
	if err != nil {
		return fmt.Errorf("invalid time %q", pair[0])
	}
	value, err := strconv.ParseFloat(strings.Trim(string(pair[1]), `"`), 64)
	if err != nil {
		return fmt.Errorf("invalid value %q", pair[1])
	}
	p.T, p.V = int64(seconds*1000+.5), value
	return nil
}
