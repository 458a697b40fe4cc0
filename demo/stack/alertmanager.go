package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// eventsFile is where Alertmanager records its events.
const eventsFile = "events.jsonl"

// recordEvents lets Alertmanager record its events.
func (s *Stack) recordEvents(configuration string) error {
	f, err := os.OpenFile(configuration, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\nevent_recorder:\n  file_outputs: [{name: thorbis, path: %q}]\n",
		filepath.Join(s.Dir, eventsFile))
	return errors.Join(err, f.Close())
}

// startAlertmanager starts Alertmanager on the generated routes.
func (s *Stack) startAlertmanager() error {
	routes, err := s.generated("alertmanager.yaml")
	if err != nil {
		return err
	}
	flags := []string{
		"--config.file=" + routes[0], "--storage.path=" + filepath.Join(s.Dir, "alertmanager-data"),
		"--web.listen-address=" + s.Alertmanager, "--web.external-url=http://" + s.Alertmanager, "--cluster.listen-address=",
	}
	if s.options.Events {
		if err := s.recordEvents(routes[0]); err != nil {
			return err
		}
		flags = append(flags, "--enable-feature=event-recorder")
	}
	s.alertmanager, err = start(s.Dir, "alertmanager", s.program("tools/"+s.options.Alertmanager), flags...)
	return err
}
