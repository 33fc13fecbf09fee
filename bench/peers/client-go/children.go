package main

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

const (
	annotation   = "steward.dev/headless-service"
	managedBy    = "app.kubernetes.io/managed-by"
	sliceManager = "headless.client-go-peer"
)

// wanted tells whether a pod asks for a name and has an address to give.
func wanted(pod *corev1.Pod) bool {
	return pod.Annotations[annotation] == "true" && pod.Status.PodIP != "" && pod.DeletionTimestamp == nil
}

func desiredService(pod *corev1.Pod) *corev1.Service {
	service := &corev1.Service{
		ObjectMeta: childMeta(pod, map[string]string{managedBy: "client-go-peer"}),
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, PublishNotReadyAddresses: true},
	}
	for _, port := range ports(pod) {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: port.Name, Protocol: port.Protocol, Port: port.ContainerPort, TargetPort: intstr.FromInt32(port.ContainerPort),
		})
	}
	return service
}

func desiredSlice(pod *corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: childMeta(pod, map[string]string{
			managedBy:                    "client-go-peer",
			discoveryv1.LabelServiceName: pod.Name,
			discoveryv1.LabelManagedBy:   sliceManager,
		}),
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
			Hostname:   ptr.To(pod.Name),
			NodeName:   ptr.To(pod.Spec.NodeName),
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		}},
	}
	for _, port := range ports(pod) {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{
			Name: ptr.To(port.Name), Protocol: ptr.To(port.Protocol), Port: ptr.To(port.ContainerPort),
		})
	}
	return slice
}

func childMeta(pod *corev1.Pod, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:       pod.Namespace,
		Name:            pod.Name,
		Labels:          labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))},
	}
}

// ports lists those of all containers, each with a name.
func ports(pod *corev1.Pod) []corev1.ContainerPort {
	var found []corev1.ContainerPort
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == "" {
				port.Name = strings.ToLower(string(port.Protocol)) + "-" + strconv.Itoa(int(port.ContainerPort))
			}
			found = append(found, port)
		}
	}
	return found
}
