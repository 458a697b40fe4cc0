package explain

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

// TestNothingOfAServiceIsLeftOut holds that whatever the example policy says is of a service stands among what is
// measured of it: a new section with an app_service must be explained.
func TestNothingOfAServiceIsLeftOut(t *testing.T) {
	p, err := config.Load("../../deploy/policy/thorbis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // by path of the item
	settings := p.Effective()
	for _, s := range settings {
		if item, ok := strings.CutSuffix(s.Path, ".name"); ok {
			names[item], _ = s.Value.(string)
		}
	}
	found := 0
	for _, s := range settings {
		item, ok := strings.CutSuffix(s.Path, ".app_service")
		service, _ := s.Value.(string)
		if !ok || service == "" {
			continue
		}
		of, err := Of(p, service)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if !of.measures(names[item]) {
			t.Errorf("%s: %s of %s is not listed: %v", service, item, names[item], of.Measured)
		}
	}
	if found < 10 {
		t.Errorf("the example policy has only %d things of services", found)
	}
}

func (s *Service) measures(name string) bool {
	for _, l := range s.Measured {
		if strings.HasSuffix(l.What, " "+name) {
			return true
		}
	}
	return false
}
