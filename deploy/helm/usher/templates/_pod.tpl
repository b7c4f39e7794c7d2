{{/* What every container of Usher may do: nothing beyond its own files and sockets. */}}
{{- define "usher.locked" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end }}

{{- define "usher.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Settings beside the file, as the gateway and the migration both need them. */}}
{{- define "usher.environment" -}}
{{- range $key, $value := .Values.settings }}
- {name: {{ printf "USHER__%s" ($key | replace "." "__" | upper) }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* Files that both need. The argument is [root, name of the ConfigMap]. */}}
{{- define "usher.volumes" -}}
{{- $root := index . 0 -}}
- name: settings
  configMap: {name: {{ index . 1 }}}
{{- if eq $root.Values.mode "cluster" }}
- name: secrets
  secret: {secretName: {{ $root.Values.existingSecret }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "usher.mounts" -}}
- {name: settings, mountPath: /etc/usher, readOnly: true}
{{- if eq .Values.mode "cluster" }}
- {name: secrets, mountPath: /run/secrets/usher, readOnly: true}
{{- end }}
{{- end }}

{{/* The template of the gateway's pods, in both modes. */}}
{{- define "usher.pod" -}}
metadata:
  labels:
    {{- include "usher.labels" . | nindent 4 }}
    app.kubernetes.io/component: gateway
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # A change of the settings file is a rollout.
    usher/settings: {{ include "usher.settings" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "usher.podSecurity" . | nindent 4 }}
  containers:
    - name: usher
      image: {{ include "usher.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/usher/usher.toml]
      {{- with include "usher.environment" . | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      ports:
        - {name: scim, containerPort: 8080}
        - {name: admin, containerPort: 8081}
        - {name: health, containerPort: 8082}
        - {name: metrics, containerPort: 9464}
      # On a listener of their own, so that no load of the others hides the answer.
      startupProbe:
        httpGet: {path: /livez, port: health}
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /livez, port: health}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: health}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      {{- if .Values.preStopSleepSeconds }}
      # Requests still arrive while the cluster learns that the pod goes.
      lifecycle: {preStop: {sleep: {seconds: {{ .Values.preStopSleepSeconds }}}}}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "usher.locked" . | nindent 8 }}
      volumeMounts:
        {{- include "usher.mounts" . | nindent 8 }}
        {{- if eq .Values.mode "embedded" }}
        - {name: data, mountPath: /data}
        {{- end }}
  volumes:
    {{- include "usher.volumes" (list . (include "usher.name" .)) | nindent 4 }}
  {{- if eq .Values.mode "cluster" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {matchLabels: {app.kubernetes.io/name: usher, app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: gateway}}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
