package source

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// The format of lines that end with X-Forwarded-For, and the one for which they are easily taken.
const (
	formatCombined  = "combined"
	formatNginxMain = "nginx-main"
)

// Doubt returns why the tenants of some lines are probably not found by their hosts, empty if they are. Lines that
// cannot be read are counted elsewhere.
func Doubt(sample [][]byte, o decode.Options) (string, error) {
	t, err := Try(sample, o)
	if err != nil || t.Counted == 0 {
		return "", err
	}
	if o.Format == formatCombined {
		main, err := Try(sample, decode.Options{Format: formatNginxMain})
		switch {
		case err != nil:
			return "", err
		case main.Counted <= t.Counted/2: // nothing in quotes follows the agent
		case t.Odd > t.Hosts:
			return fmt.Sprintf("%d of the first %d requests have an address or - where combined has the host, as where a time "+
				"was added to nginx's packaged format: that is X-Forwarded-For, by which clients choose their tenant; write "+
				`format: nginx-main, and log "$host" $request_time in place of the time`, t.Odd, t.Counted), nil
		case t.Hosts == 0:
			return fmt.Sprintf("the first %d requests end with a text in quotes that is not taken for their host, as "+
				"X-Forwarded-For in nginx's packaged format: they have no tenant; write format: nginx-main, and log "+
				`"$host" $request_time after it`, t.Counted), nil
		}
	}
	if t.Hosts == 0 && t.Odd == 0 {
		return fmt.Sprintf("none of the first %d requests has a host, by which their tenants are found: log it, or find "+
			"them in another way (tenants.path, or tenant for a source of one tenant)", t.Counted), nil
	}
	return "", nil
}
