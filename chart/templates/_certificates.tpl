{{/*
Certificates of a port that speaks TLS. A block of values with "mode" says where one comes from: the program makes its own
("self"), cert-manager makes it ("certManager"), or somebody else did ("existingSecret").
*/}}

{{/*
Name of the Secret with the certificate, or nothing where the program makes its own. Call with "context", "component",
"tls", the block of values, and "suffix", which tells the ports of a component apart.
*/}}
{{- define "steward.certificate.secret" -}}
{{- if eq .tls.mode "existingSecret" }}
{{- .tls.existingSecret }}
{{- else if eq .tls.mode "certManager" }}
{{- include "steward.component.name" . }}
{{- end }}
{{- end }}

{{/* What cert-manager shall make. Call as above, with "service", the name of the Service that clients ask for. */}}
{{- define "steward.certificate" -}}
{{- $namespace := include "steward.namespace" .context -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "steward.metadata" (merge (dict "name" (include "steward.component.name" .)) .) | nindent 2 }}
spec:
  secretName: {{ include "steward.certificate.secret" . | quote }}
  dnsNames:
    - {{ printf "%s.%s.svc" .service $namespace | quote }}
    - {{ printf "%s.%s" .service $namespace | quote }}
    - {{ .service | quote }}
  issuerRef:
    {{- toYaml .tls.certManager.issuerRef | nindent 4 }}
  {{- range $key := list "duration" "renewBefore" }}
  {{- with get $.tls.certManager $key }}
  {{ $key }}: {{ . }}
  {{- end }}
  {{- end }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  usages:
    - digital signature
    - server auth
{{- end }}

{{/*
An authority that cert-manager keeps, and an Issuer that signs by it. What a selfSigned Issuer signs is its own authority, a new one with each renewal: for
the minute that the kubelet takes to bring the files, nobody would trust what is shown. This one stays the same for ten years of them. Call with "name".
*/}}
{{- define "steward.certificate.authority" -}}
{{- $selfSigned := include "steward.cut" (printf "%s-selfsigned" .name) -}}
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  {{- include "steward.metadata" (merge (dict "name" $selfSigned) .) | nindent 2 }}
spec:
  selfSigned: {}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  isCA: true
  commonName: {{ .name | quote }}
  secretName: {{ .name | quote }}
  duration: 87600h
  issuerRef:
    name: {{ $selfSigned | quote }}
    kind: Issuer
    group: cert-manager.io
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  ca:
    secretName: {{ .name | quote }}
{{- end }}

{{/* Fails where a certificate would come from nowhere, or a value would change nothing. Call with "path", "tls", and "own" where the chart makes an authority. */}}
{{- define "steward.certificate.validate" -}}
{{- if and (eq .tls.mode "existingSecret") (not .tls.existingSecret) }}
{{-   fail (printf "%s.existingSecret: empty, and mode is existingSecret. Name a Secret of type kubernetes.io/tls, or set mode=self." .path) }}
{{- end }}
{{- if and .tls.existingSecret (ne .tls.mode "existingSecret") }}
{{-   fail (printf "%s.existingSecret: %s is not used, because mode is %s. Set mode=existingSecret, or existingSecret=\"\"." .path .tls.existingSecret .tls.mode) }}
{{- end }}
{{- if and (eq .tls.mode "certManager") (not .tls.certManager.issuerRef.name) (not .own) }}
{{-   fail (printf "%s.certManager.issuerRef.name: empty, and mode is certManager. Name an Issuer of the release's namespace, or a ClusterIssuer with kind=ClusterIssuer." .path) }}
{{- end }}
{{- end }}
