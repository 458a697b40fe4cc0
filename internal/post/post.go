// Package post sends requests that must arrive at the address that was written.
package post

import (
	"fmt"
	"net/http"
)

// client follows no redirect: net/http follows that of a POST with a GET without its body, and the page of a login that
// answers it would pass for a receiver that has taken what was sent.
var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Do sends a request. An answer that redirects it is an error, which names the host that it leads to.
func Do(req *http.Request) (*http.Response, error) {
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	_ = resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("it answered %s", resp.Status)
	}
	return nil, fmt.Errorf("it answered %s, to %s://%s: write the address of what takes the report itself",
		resp.Status, to.Scheme, to.Host)
}
