// Package fake is an API server as far as a controller of pods sees one: lists in pages, watches with bookmarks and initial events, JSON
// and protobuf, TLS and HTTP/2, writes that take a fixed time. It validates nothing, and is never what a measurement waits for.
package fake

import (
	"reflect"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
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

var kinds = []kind{
	{"pods", corev1.SchemeGroupVersion.WithKind("Pod"), &corev1.Pod{}},
	{"services", corev1.SchemeGroupVersion.WithKind("Service"), &corev1.Service{}},
	{"endpointslices", discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), &discoveryv1.EndpointSlice{}},
	{"events", eventsv1.SchemeGroupVersion.WithKind("Event"), &eventsv1.Event{}},
	{"leases", coordinationv1.SchemeGroupVersion.WithKind("Lease"), &coordinationv1.Lease{}},
}
