{{/* name is the application, or nameOverride. */}}
{{- define "thorbis.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* fullname is the prefix of every object: the release, with the application unless the release has it. */}}
{{- define "thorbis.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "thorbis.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "thorbis.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* selectorLabels select every pod of the release. */}}
{{- define "thorbis.selectorLabels" -}}
app.kubernetes.io/name: {{ include "thorbis.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "thorbis.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "thorbis.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: thorbis
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "thorbis.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "thorbis.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* policyConfigMap names the ConfigMap of the policy: the user's own, or the one of this chart. */}}
{{- define "thorbis.policyConfigMap" -}}
{{- default (printf "%s-policy" (include "thorbis.fullname" .)) .Values.policy.existingConfigMap -}}
{{- end -}}

{{/* image is by digest if there is one. */}}
{{- define "thorbis.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* pod is the template of the pods of one role; it is called with root, name and role. */}}
{{- define "thorbis.pod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
metadata:
  labels:
    {{- include "thorbis.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
    {{- with $role.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- if not $root.Values.policy.existingConfigMap }}
    checksum/config: {{ include (print $root.Template.BasePath "/policy.yaml") $root | sha256sum }}
    {{- end }}
    kubectl.kubernetes.io/default-container: exporter
    {{- with $role.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "thorbis.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # The exporter saves its counters before it ends; what takes longer is cut off.
  terminationGracePeriodSeconds: 30
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with $role.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with $role.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "thorbis.selectorLabels" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .name }}
    {{- end }}
  containers:
    - name: exporter
      image: {{ include "thorbis.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - --config.file=/etc/thorbis/policy
        - --storage.path=/var/lib/thorbis_exporter/state
        {{- with $role.location }}
        - --location={{ . }}
        {{- end }}
        {{- if $role.receive.enabled }}
        - --receive.listen-address=:{{ $role.receive.port }}
        {{- end }}
        - --log.format=json
        {{- range $role.args }}
        - {{ . | quote }}
        {{- end }}
      ports:
        - {name: metrics, containerPort: 10088}
        {{- if $role.receive.enabled }}
        - {name: receive, containerPort: {{ $role.receive.port }}}
        {{- end }}
      {{- with $role.env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      livenessProbe:
        httpGet: {path: /-/healthy, port: metrics}
      readinessProbe:
        httpGet: {path: /-/ready, port: metrics}
      resources:
        {{- toYaml $role.resources | nindent 8 }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: policy, mountPath: /etc/thorbis/policy, readOnly: true}
        - {name: secrets, mountPath: /etc/thorbis/secrets, readOnly: true}
        - {name: state, mountPath: /var/lib/thorbis_exporter}
        {{- with $role.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: policy
      configMap: {name: {{ include "thorbis.policyConfigMap" $root }}}
    - name: secrets
      secret: {secretName: {{ default (printf "%s-secrets" (include "thorbis.fullname" $root)) $root.Values.secrets.existingSecret }}, optional: true}
    {{- if or (eq $role.kind "Deployment") (not $role.storage.enabled) }}
    - name: state
      emptyDir: {}
    {{- end }}
    {{- with $role.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
