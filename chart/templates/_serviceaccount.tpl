{{- define "steward.serviceaccount" -}}
{{- $account := (include "steward.component" . | fromYaml).serviceAccount }}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- $own := dict "name" (include "steward.serviceAccountName" .) "labels" $account.labels "annotations" $account.annotations }}
  {{- include "steward.metadata" (merge $own .) | nindent 2 }}
automountServiceAccountToken: {{ $account.automountServiceAccountToken }}
{{- end }}
{{- end }}
