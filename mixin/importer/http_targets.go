package importer

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// askTimeout bounds how long a server of targets may take.
const askTimeout = 10 * time.Second

// askTargets asks a server of targets as Prometheus' HTTP service discovery does, once.
func askTargets(url string) ([]targetGroup, error) {
	request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Prometheus-Refresh-Interval-Seconds", strconv.Itoa(int(defaultScrapeInterval.Seconds())))
	client := http.Client{Timeout: askTimeout}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: it answers %s", url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: it answers more than %d MiB", url, maxFile>>20)
	}
	return parseTargets(url, text)
}
