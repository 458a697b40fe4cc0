// Package amconfig reads Alertmanager's configurations with Alertmanager's own code.
package amconfig

import (
	"errors"
	"fmt"

	"github.com/prometheus/alertmanager/config"
)

var errEmptyEntry = errors.New("an entry of a list is empty, such as a route of nothing but a dash")

// Load reads a configuration as Alertmanager does. An empty entry of a list, on which its code ends with a panic
// (config.checkReceiver in 0.34), is an error here.
func Load(text []byte) (c *config.Config, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%w (%v)", errEmptyEntry, r)
		}
	}()
	return config.Load(string(text))
}
