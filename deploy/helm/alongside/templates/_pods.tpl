{{/* What all pods of the chart have in common; all pass the restricted Pod Security standard. */}}

{{- define "alongside.podSettings" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .Values.pods.runAsUser }}
  runAsUser: {{ . }}
  {{- end }}
  {{- with .Values.pods.runAsGroup }}
  runAsGroup: {{ . }}
  {{- end }}
  {{- with .Values.pods.fsGroup }}
  fsGroup: {{ . }}
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "alongside.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Variables for a site behind a proxy and for a site with an authority of its own, as a mapping.
     Calls within the cluster never go through the proxy. */}}
{{- define "alongside.siteEnvironment" -}}
{{- $site := dict -}}
{{- with .Values.outgoingProxy -}}
  {{- if or .http .https -}}
    {{- $inside := list "localhost" "127.0.0.1" "::1" ".svc" ".cluster.local" (printf ".%s" $.Release.Namespace) (printf ".%s" (include "alongside.backendsNamespace" $)) (printf ".%s" (include "alongside.hubNamespace" $)) "$(KUBERNETES_SERVICE_HOST)" -}}
    {{- $not := concat $inside .exceptions | uniq | join "," -}}
    {{- $site = merge $site (dict "NO_PROXY" $not "no_proxy" $not) -}}
    {{- with .http }}{{ $site = merge $site (dict "HTTP_PROXY" . "http_proxy" .) }}{{ end -}}
    {{- with .https }}{{ $site = merge $site (dict "HTTPS_PROXY" . "https_proxy" .) }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- if .Values.certificateAuthority.configMap -}}
  {{- $file := "/etc/alongside-ca/ca.crt" -}}
  {{- $site = merge $site (dict "SSL_CERT_FILE" $file "REQUESTS_CA_BUNDLE" $file "CURL_CA_BUNDLE" $file "NODE_EXTRA_CA_CERTS" $file) -}}
{{- end -}}
{{- toJson $site -}}
{{- end -}}

{{/* A mapping as a container's environment. Call with a dict. */}}
{{- define "alongside.environment" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The bundle of certificates, in pods of ours and in those that are made later. */}}
{{- define "alongside.authorityVolume" -}}
{{- with .Values.certificateAuthority -}}
name: authority
configMap:
  name: {{ .configMap }}
  items: [{key: {{ .key | quote }}, path: ca.crt}]
{{- end }}
{{- end -}}
{{- define "alongside.authorityMount" -}}
{name: authority, mountPath: /etc/alongside-ca, readOnly: true}
{{- end -}}
