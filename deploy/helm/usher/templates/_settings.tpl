{{/* The settings file of both modes. */}}
{{- define "usher.settings" -}}
{{- $cluster := eq .Values.mode "cluster" -}}
{{- if not $cluster }}
data_dir = "/data"
{{- end }}
serve_regions = [{{ range $i, $region := .Values.regions }}{{ if $i }}, {{ end }}{{ $region.code | quote }}{{ end }}]

[server]
listen = "[::]:8080"
public_url = {{ .Values.publicUrl | quote }}
{{- if not $cluster }}
shutdown_lead_seconds = 0
{{- end }}
trusted_proxies = [{{ range $i, $proxy := .Values.trustedProxies }}{{ if $i }}, {{ end }}{{ $proxy | quote }}{{ end }}]

[admin]
listen = "[::]:8081"
{{- if $cluster }}
token_file = "/run/secrets/usher/admin-token"
{{- end }}

[health]
listen = "[::]:8082"

[metrics]
listen = "[::]:9464"

[log]
format = "json"
{{- if $cluster }}

[auth]
key_file = "/run/secrets/usher/signing-secret"

[redis]
url_file = "/run/secrets/usher/redis-url"
{{- end }}
{{- range $region := .Values.regions }}
{{- $code := $region.code }}

[regions.{{ $code }}]
{{- if $region.name }}
name = {{ $region.name | quote }}
{{- end }}
{{- if $region.host }}
base_url = "https://{{ $region.host }}"
{{- end }}
{{- if $cluster }}
registry_url_file = "/run/secrets/usher/registry-{{ $code }}"
{{- range $cell := $region.cells }}

[[regions.{{ $code }}.cells]]
name = {{ $cell | quote }}
url_file = "/run/secrets/usher/cell-{{ $code }}-{{ $cell }}"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
