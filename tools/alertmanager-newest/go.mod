module github.com/thorbis/thorbis_exporter/tools/alertmanager-newest

go 1.26.0

// The newest release, for tests; tools/alertmanager has the oldest one that is supported. It is built in a copy, with the
// versions of its own go.mod: the pages that it embeds are not part of the module (Makefile).
require github.com/prometheus/alertmanager v0.35.0
