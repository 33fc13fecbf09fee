// Package pods makes pods like those of a busy cluster: two containers, probes, volumes, owners and managed fields, 11 kB of JSON each,
// from 200 workloads in 100 namespaces, so that labels and containers repeat as they do among replicas.
package pods

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

const (
	// Annotation asks for a headless Service.
	Annotation = "steward.dev/headless-service"
	// BatchNamespace holds the annotated pods. It is the last in every list, so that nobody is ready before the whole list was read.
	BatchNamespace = "zz-batch"

	workloads  = 200
	namespaces = 100
)

var born = metav1.NewTime(time.Date(2026, 10, 1, 10, 0, 0, 0, time.UTC))

// Namespaces are those in which pods are.
func Namespaces() []string {
	found := []string{BatchNamespace}
	for i := range namespaces {
		found = append(found, fmt.Sprintf("team-%02d", i))
	}
	return found
}

// Plain is a running pod that asks for nothing.
func Plain(number int) *corev1.Pod {
	pod := made(number)
	Run(pod, number)
	return pod
}

// Annotated is a pending pod that asks for a headless Service; Run gives it an address.
func Annotated(number int) *corev1.Pod {
	pod := made(number)
	pod.Namespace = BatchNamespace
	pod.Name = fmt.Sprintf("batch-%07d", number)
	pod.UID = uid(number, "batch")
	pod.Annotations[Annotation] = "true"
	return pod
}

// Run makes a pod what it is when its containers run.
func Run(pod *corev1.Pod, number int) {
	address := fmt.Sprintf("10.%d.%d.%d", 64+number>>16&63, number>>8&255, number&255)
	host := fmt.Sprintf("10.0.%d.%d", number%50, number%200)
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &born, QOSClass: corev1.PodQOSBurstable,
		HostIP: host, HostIPs: []corev1.HostIP{{IP: host}}, PodIP: address, PodIPs: []corev1.PodIP{{IP: address}},
	}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	} {
		condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: born}
		pod.Status.Conditions = append(pod.Status.Conditions, condition)
	}
	for _, container := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true, Started: ptr.To(true),
			ImageID:     "registry.example.com/platform/image@sha256:" + digits(number%workloads, 64),
			ContainerID: "containerd://" + digits(number, 64),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: born}},
		})
	}
}

func made(number int) *corev1.Pod {
	app := fmt.Sprintf("svc-%03d", number%workloads)
	set := app + "-" + digits(number%workloads, 10)
	namespace := fmt.Sprintf("team-%02d", number%namespaces)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         namespace,
			Name:              fmt.Sprintf("%s-%05x", set, number),
			GenerateName:      set + "-",
			UID:               uid(number, "pod"),
			CreationTimestamp: born,
			Labels: map[string]string{
				"app.kubernetes.io/name": app, "app.kubernetes.io/instance": app + "-prod", "app.kubernetes.io/version": fmt.Sprintf("1.%d", number%30),
				"pod-template-hash": digits(number%workloads, 10), "team": namespace,
			},
			Annotations: map[string]string{
				"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "kubectl.kubernetes.io/restartedAt": "2026-09-30T08:00:00Z",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set, UID: uid(number%workloads, "set"), Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
			}},
		},
		Spec: spec(number, app),
	}
}

func uid(number int, of string) types.UID {
	hex := digits(number, 32)
	return types.UID(fmt.Sprintf("%s-%s-%s", of, hex[:16], hex[16:]))
}

// digits are hexadecimal, look random and depend on the seed only.
func digits(seed, count int) string {
	made := make([]byte, count)
	state := uint64(seed)*0x9E3779B97F4A7C15 + 0x1234567
	for i := range made {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		made[i] = "0123456789abcdef"[state%16]
	}
	return string(made)
}
