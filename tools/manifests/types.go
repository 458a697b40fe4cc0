package main

import (
	"bytes"
	"encoding/json"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
)

// newest has the types of the newest operator. They know fields that the schemas, which are those of 0.85, do not.
var newest = map[string]func() any{
	"monitoring.coreos.com/v1/PrometheusRule":           func() any { return new(monitoringv1.PrometheusRule) },
	"monitoring.coreos.com/v1/ServiceMonitor":           func() any { return new(monitoringv1.ServiceMonitor) },
	"monitoring.coreos.com/v1/PodMonitor":               func() any { return new(monitoringv1.PodMonitor) },
	"monitoring.coreos.com/v1alpha1/ScrapeConfig":       func() any { return new(monitoringv1alpha1.ScrapeConfig) },
	"monitoring.coreos.com/v1alpha1/AlertmanagerConfig": func() any { return new(monitoringv1alpha1.AlertmanagerConfig) },
}

// newer are fields of the newest types that the schemas do not know, by their path without indexes.
var newer = map[string]bool{"spec.scrapeNativeHistograms": true}

// decodeNewest decodes an object strictly into the type of the newest operator.
func decodeNewest(id string, text []byte) error {
	create, ok := newest[id]
	if !ok {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(create())
}

// childRoutes returns the routes below that of an AlertmanagerConfig, each as the object whose top route it is: its
// schema takes anything for a child.
func childRoutes(object map[string]any) []map[string]any {
	spec, _ := object["spec"].(map[string]any)
	route, _ := spec["route"].(map[string]any)
	children, _ := route["routes"].([]any)
	var all []map[string]any
	for _, child := range children {
		whole := map[string]any{}
		for key, value := range object {
			whole[key] = value
		}
		whole["spec"] = map[string]any{"receivers": spec["receivers"], "route": child}
		all = append(all, whole)
		all = append(all, childRoutes(whole)...)
	}
	return all
}
