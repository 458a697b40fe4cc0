package incident

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// maxAnswer bounds one answer; 20,000 alerts with long annotations fit.
	maxAnswer = 64 << 20
)

// newClient returns a client that follows no redirect: a credential goes to the address that the policy
// names, and to no other.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks an address and returns a whole answer of status 200.
func get(ctx context.Context, client *http.Client, address string,
	authorize func(*http.Request) error,
) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "thorbis_exporter")
	if err := authorize(req); err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 4096)
		return nil, fmt.Errorf("%s answered %s", req.URL.Path, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("%s answered more than %d bytes", req.URL.Path, maxAnswer)
	}
	return text, nil
}
