module github.com/thorbis/thorbis_exporter/tools/operator-crds

go 1.26.0

// For the CustomResourceDefinitions in its folder example; nothing of it is built (Makefile).
require github.com/prometheus-operator/prometheus-operator v0.85.0
