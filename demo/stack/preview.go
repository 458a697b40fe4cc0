package stack

import (
	"context"
	"path/filepath"
)

// startPreview serves the dashboards to a browser, where there is no Grafana.
func (s *Stack) startPreview(ctx context.Context) error {
	s.say("the dashboards")
	p, err := start(s.Dir, "preview", s.program("thorbis_mixin"), "preview",
		"--config.file="+filepath.Join(s.Dir, "thorbis.yaml"), "--prometheus=http://"+s.Prometheus,
		"--web.listen-address="+s.Preview)
	if err != nil {
		return err
	}
	s.preview = p
	return s.ready(ctx, p, "http://"+s.Preview+"/-/healthy")
}
