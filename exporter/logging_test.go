package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLogLinesLookAsThoseOfOtherExporters(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, "info", "logfmt")
	if err != nil {
		t.Fatal(err)
	}
	logger.Debug("not this")
	logger.With("collector", "health").WithGroup("a").Info("two words",
		"err", errors.New("x y"), "took", time.Second, "list", []string{"b"}, slog.Group("g", "k", 1), "nil", nil)
	want := regexp.MustCompile(`^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z caller=logging_test\.go:\d+ level=info msg="two words" collector=health a\.err="x y" a\.took=1s a\.list=\[b\] a\.g\.k=1 a\.nil=<nil>\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

func TestJSONLogLinesAreJSONWhateverIsLogged(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, "debug", "json")
	if err != nil {
		t.Fatal(err)
	}
	logger.Error("m", "nan", math.NaN(), "msg", "other", "f", func() {}, "n", 3)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if line["msg"] != "m" || line["logged_msg"] != "other" || line["nan"] != "NaN" || line["n"] != 3.0 || line["level"] != "error" {
		t.Errorf("got %v", line)
	}
}

func TestUnknownLogSettingsAreRefused(t *testing.T) {
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := NewLogger(nil, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "use one of") {
			t.Errorf("%v: %v", c, err)
		}
	}
}
