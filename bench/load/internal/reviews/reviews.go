// Package reviews makes AdmissionReviews of 9 to 11 kB, as an API server sends them for pods.
package reviews

import (
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"steward.dev/bench/load/internal/pods"
)

// Namespace is where the pods are asked for.
const Namespace = "shop"

// Review is one call of a webhook.
type Review struct {
	Name string          `json:"name"`
	UID  types.UID       `json:"uid"`
	Body json.RawMessage `json:"body"`
}

// All are one of each kind: a pod that keeps the rules, one that breaks all of them, one of twenty containers, and a change of an image.
func All() []Review {
	changed := lean(4, pods.Plain(4))
	former := changed.DeepCopy()
	changed.Spec.Containers[0].Image = "registry.example.com/platform/svc-004:1.9.9"
	return []Review{
		review("good", good(pods.Plain(1)), nil),
		review("bad", bad(pods.Plain(2)), nil),
		review("twenty containers", twenty(pods.Plain(3)), nil),
		review("update", changed, former),
	}
}

// Good is a pod that keeps the rules, as it is sent to an API server.
func Good(number int) []byte {
	made := good(pods.Plain(number))
	made.ObjectMeta = metav1.ObjectMeta{Name: made.Name, Labels: made.Labels, Annotations: made.Annotations}
	made.Spec.ServiceAccountName, made.Spec.DeprecatedServiceAccount = "default", "default"
	made.Spec.Priority, made.Spec.PreemptionPolicy = nil, nil
	made.Status = corev1.PodStatus{}
	return raw(made).Raw
}

func good(pod *corev1.Pod) *corev1.Pod {
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].LivenessProbe = pod.Spec.Containers[0].LivenessProbe
		pod.Spec.Containers[i].ReadinessProbe = pod.Spec.Containers[0].ReadinessProbe
	}
	return asked(pod)
}

func bad(pod *corev1.Pod) *corev1.Pod {
	for i := range pod.Spec.Containers {
		found := &pod.Spec.Containers[i]
		found.Image = fmt.Sprintf("registry.example.com:5000/platform/service-%d", i)
		found.LivenessProbe, found.ReadinessProbe, found.Resources = nil, nil, corev1.ResourceRequirements{}
	}
	// As long as the others, though it says less.
	for i := range 8 {
		setting := corev1.EnvVar{Name: fmt.Sprintf("FURTHER_%d", i), Value: fmt.Sprintf("a value that is a little longer than others, number %d", i)}
		pod.Spec.Containers[0].Env = append(pod.Spec.Containers[0].Env, setting)
	}
	return asked(pod)
}

// twenty has one container that breaks a rule, the last.
func twenty(pod *corev1.Pod) *corev1.Pod {
	model := pod.Spec.Containers[0]
	pod.Spec.Containers, pod.Spec.Affinity, pod.Spec.Volumes = nil, nil, nil
	for i := range 20 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: fmt.Sprintf("part-%02d", i), Image: fmt.Sprintf("registry.example.com/platform/part:1.%d", i),
			Resources:     corev1.ResourceRequirements{Requests: model.Resources.Requests},
			LivenessProbe: model.LivenessProbe, ReadinessProbe: model.ReadinessProbe,
		})
	}
	pod.Spec.Containers[19].ReadinessProbe = nil
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable}
	return pod
}

// lean is a pod of one container without probes, half as long, for a change carries two.
func lean(number int, pod *corev1.Pod) *corev1.Pod {
	pod.Spec.Containers = pod.Spec.Containers[:1]
	pod.Spec.Containers[0].LivenessProbe, pod.Spec.Containers[0].ReadinessProbe = nil, nil
	pods.Run(pod, number)
	pod.Status.ContainerStatuses = pod.Status.ContainerStatuses[:1]
	return pod
}

// asked is a pod that is not there yet.
func asked(pod *corev1.Pod) *corev1.Pod {
	pod.Spec.NodeName = ""
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable}
	pods.Manage(pod)
	return pod
}

func review(name string, pod, former *corev1.Pod) Review {
	operation := admissionv1.Create
	old := runtime.RawExtension{}
	if former != nil {
		operation, old = admissionv1.Update, raw(former)
	}
	pod.Namespace = Namespace
	request := &admissionv1.AdmissionRequest{
		UID:  types.UID("bench000-" + fmt.Sprintf("%04x-4000-8000-%012x", len(name), pod.UID[len(pod.UID)-4:])),
		Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		RequestKind: &metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, RequestResource: &metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Name: pod.Name, Namespace: Namespace, Operation: operation, DryRun: ptr.To(false), Object: raw(pod), OldObject: old,
		UserInfo: authenticationv1.UserInfo{
			Username: "system:serviceaccount:kube-system:replicaset-controller", UID: "9c1f8c1e-1111-4222-8333-444455556666",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
		},
		Options: runtime.RawExtension{Raw: []byte(`{"kind":"` + map[bool]string{true: "CreateOptions", false: "UpdateOptions"}[former == nil] +
			`","apiVersion":"meta.k8s.io/v1"}`)},
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{Kind: "AdmissionReview", APIVersion: "admission.k8s.io/v1"}, Request: request,
	})
	if err != nil {
		panic(err) // values of k8s.io/api
	}
	return Review{name, request.UID, body}
}

func raw(pod *corev1.Pod) runtime.RawExtension {
	pod = pod.DeepCopy()
	pod.Namespace = Namespace
	pod.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	body, err := json.Marshal(pod)
	if err != nil {
		panic(err) // values of k8s.io/api
	}
	return runtime.RawExtension{Raw: body}
}
