// Package source reads what reports are made of: the histories of exporters, over their HTTP API or from a state
// directory, and Prometheus.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer bounds one answer in bytes.
	maxAnswer = 256 << 20
	// answerTime bounds one request.
	answerTime = 2 * time.Minute
)

// ErrNotFound is the error of an exporter that has nothing of a name.
var ErrNotFound = errors.New("not found")

// Client reads an API in the form of Prometheus': of an exporter, or of Prometheus itself.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client of the server at a base URL. A nil client is the default one.
func NewClient(base string, client *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("invalid URL %q: write it like http://exporter.example.com:10088", redacted(base))
	}
	if u.User != nil {
		return nil, fmt.Errorf("the URL of %s holds credentials: put them into the file of --http.config.file", u.Host)
	}
	if client == nil {
		client = http.DefaultClient
	}
	return &Client{strings.TrimSuffix(base, "/"), client}, nil
}

// redacted is an address without what may be a password.
func redacted(address string) string {
	if i := strings.LastIndex(address, "@"); i >= 0 {
		return "..." + address[i:]
	}
	return address
}

// get decodes the data of an answer into a value.
func (c *Client) get(ctx context.Context, path string, values url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	address := c.base + "/api/v1/" + path
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return fmt.Errorf("%s does not answer: %w", c.base, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%s refuses (%s): name user and password in the file of --http.config.file", c.base, answer.Status)
	}
	data, err := decode(answer.Body, answer.StatusCode)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.base, path, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %s: the answer is not what is expected: %w", c.base, path, err)
	}
	return nil
}

// decode returns the data of an answer, or its error.
func decode(body io.Reader, status int) (json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	var a struct {
		Status    string          `json:"status"`
		ErrorType string          `json:"errorType"`
		Error     string          `json:"error"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("status %d, and the answer is not that of this API", status)
	}
	switch {
	case a.Status == "success" && len(a.Data) > 0:
		return a.Data, nil
	case a.ErrorType == "not_found":
		return nil, fmt.Errorf("%w: %s", ErrNotFound, a.Error)
	case a.Error != "":
		return nil, errors.New(a.Error)
	}
	return nil, fmt.Errorf("status %d, and an answer without data", status)
}
