{{/* Names, labels and addresses that several templates use. */}}

{{- define "alongside.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "alongside.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "alongside.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "alongside.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes over the life of a release: selectors. Call with (list . "component"). */}}
{{- define "alongside.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "alongside.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "alongside.labels" -}}
{{- $root := index . 0 -}}
{{ include "alongside.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Call with (list . "service"). */}}
{{- define "alongside.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- $name := index $images (index . 1) -}}
{{- with $images.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $name }}:{{ default (index . 0).Chart.AppVersion $images.tag }}
{{- end -}}

{{- define "alongside.backendsNamespace" -}}
{{- default .Release.Namespace .Values.backends.namespace -}}
{{- end -}}

{{- define "alongside.hubNamespace" -}}
{{- ternary .Release.Namespace (default .Release.Namespace .Values.connection.namespace) .Values.hub.enabled -}}
{{- end -}}

{{- define "alongside.serviceUrl" -}}
http://{{ include "alongside.fullname" . }}.{{ .Release.Namespace }}:8790
{{- end -}}

{{- define "alongside.hubUrl" -}}
{{- if .Values.hub.enabled -}}
http://{{ include "alongside.fullname" . }}-hub.{{ .Release.Namespace }}:8081
{{- else -}}
http://hub.{{ include "alongside.hubNamespace" . }}:8081
{{- end -}}
{{- end -}}

{{- define "alongside.apiUrl" -}}
{{- default (printf "%s%shub/api" (include "alongside.hubUrl" .) .Values.connection.baseUrl) .Values.connection.apiUrl -}}
{{- end -}}

{{- define "alongside.tokenSecret" -}}
{{- default (printf "%s-token" (include "alongside.fullname" .)) .Values.connection.token.existingSecret -}}
{{- end -}}

{{/* The labels of the hub's and of the proxy's pods, ours or those of the hub that is there. */}}
{{- define "alongside.hubPods" -}}
{{- if .Values.hub.enabled -}}{{ include "alongside.selector" (list . "hub") }}{{- else -}}{{ toYaml .Values.connection.hubPods }}{{- end -}}
{{- end -}}
{{- define "alongside.proxyPods" -}}
{{- if .Values.hub.enabled -}}{{ include "alongside.selector" (list . "proxy") }}{{- else -}}{{ toYaml .Values.connection.proxyPods }}{{- end -}}
{{- end -}}

{{/* A value that a Secret has already, or the one given, or a new random one, base64-encoded.
     Call with (dict "root" . "secret" name "key" key "given" value "make" "hex" or "word"). */}}
{{- define "alongside.stable" -}}
{{- $found := (lookup "v1" "Secret" .root.Release.Namespace .secret) | default dict -}}
{{- $old := index (get $found "data" | default dict) .key -}}
{{- if .given -}}{{ .given | b64enc }}
{{- else if $old -}}{{ $old }}
{{- else if eq .make "hex" -}}{{ printf "%s" (randBytes 32 | b64dec | printf "%x") | b64enc }}
{{- else -}}{{ randAlphaNum 40 | b64enc }}
{{- end -}}
{{- end -}}
