// Package fake is an API server as far as a controller of pods sees one: lists in pages, watches with bookmarks and initial events, JSON
// and protobuf, TLS and HTTP/2, writes that take a fixed time. It validates nothing, and is never what a measurement waits for.
package fake

import (
	"net/http"
	"reflect"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is a sort of object that is served.
type kind struct {
	plural  string
	gvk     schema.GroupVersionKind
	example runtime.Object
}

// fresh is an object that says nothing but its kind.
func (k kind) fresh() runtime.Object {
	made := reflect.New(reflect.TypeOf(k.example).Elem()).Interface().(runtime.Object) // of the type of the example
	made.GetObjectKind().SetGroupVersionKind(k.gvk)
	return made
}

// format is what the caller likes best of what there is: custom resources travel as JSON.
func (k kind) format(r *http.Request) format {
	if _, custom := k.example.(*unstructured.Unstructured); custom {
		return jsonFormat
	}
	return accepted(r)
}

var governed = schema.GroupVersion{Group: "policy.steward.dev", Version: "v1alpha1"}

var kinds = []kind{
	{"namespaces", corev1.SchemeGroupVersion.WithKind("Namespace"), &corev1.Namespace{}},
	{"pods", corev1.SchemeGroupVersion.WithKind("Pod"), &corev1.Pod{}},
	{"services", corev1.SchemeGroupVersion.WithKind("Service"), &corev1.Service{}},
	{"endpointslices", discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), &discoveryv1.EndpointSlice{}},
	{"events", eventsv1.SchemeGroupVersion.WithKind("Event"), &eventsv1.Event{}},
	{"devopspolicies", governed.WithKind("DevOpsPolicy"), &unstructured.Unstructured{}},
	{"policyauditresults", governed.WithKind("PolicyAuditResult"), &unstructured.Unstructured{}},
	{"leases", coordinationv1.SchemeGroupVersion.WithKind("Lease"), &coordinationv1.Lease{}},
}
