package pods

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Manage writes down who set which field, as an API server does: a third of a pod as it travels. The real server makes its own.
func Manage(pod *corev1.Pod) {
	owned := map[string]any{"f:metadata": tree(pod.ObjectMeta, "labels", "annotations", "generateName"), "f:spec": tree(pod.Spec)}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{entry("kube-controller-manager", "", owned)}
	if pod.Status.Phase != "" {
		pod.ManagedFields = append(pod.ManagedFields, entry("kubelet", "status", map[string]any{"f:status": tree(pod.Status)}))
	}
}

func entry(manager, subresource string, owned map[string]any) metav1.ManagedFieldsEntry {
	raw, err := json.Marshal(owned)
	if err != nil {
		panic(err) // maps of maps of strings
	}
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", Time: &born,
		FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: raw}, Subresource: subresource,
	}
}

// tree names the fields of a value, the given ones or all.
func tree(value any, only ...string) map[string]any {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // values of k8s.io/api
	}
	var plain map[string]any
	if err := json.Unmarshal(raw, &plain); err != nil {
		panic(err)
	}
	if len(only) > 0 {
		kept := map[string]any{}
		for _, name := range only {
			if found, ok := plain[name]; ok {
				kept[name] = found
			}
		}
		plain = kept
	}
	return fields(plain)
}

func fields(plain map[string]any) map[string]any {
	named := map[string]any{}
	for name, value := range plain {
		named["f:"+name] = below(value)
	}
	return named
}

func below(value any) map[string]any {
	switch value := value.(type) {
	case map[string]any:
		return fields(value)
	case []any:
		return items(value)
	default:
		return map[string]any{}
	}
}

// items are named by their key, as those of an associative list are.
func items(list []any) map[string]any {
	named := map[string]any{}
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range []string{"name", "containerPort", "mountPath", "type", "ip", "key"} {
			if found, ok := object[key]; ok {
				label, _ := json.Marshal(map[string]any{key: found})
				children := fields(object)
				children["."] = map[string]any{}
				named["k:"+string(label)] = children
				break
			}
		}
	}
	return named
}
