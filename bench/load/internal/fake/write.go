package fake

import (
	"io"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"steward.dev/bench/load/internal/batch"
)

var children = map[string]batch.Child{"services": batch.Service, "endpointslices": batch.Slice}

// ownedFields is about as much as the API server writes down about who created a Service.
var ownedFields = []byte(`{"f:metadata":{"f:annotations":{".":{}},"f:labels":{".":{},"f:app.kubernetes.io/managed-by":{}},"f:ownerReferences":{".":{},` +
	`"k:{\"uid\":\"batch-0000000000000000-0000000000000000\"}":{}}},"f:spec":{"f:clusterIP":{},"f:internalTrafficPolicy":{},"f:ports":{".":{},` +
	`"k:{\"port\":8080,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{},"f:protocol":{},"f:targetPort":{}}},"f:publishNotReadyAddresses":{},` +
	`"f:sessionAffinity":{},"f:type":{}}}`)

// create answers after the delay of a write; the book has the moment at which the request was read.
func (s *Server) create(w http.ResponseWriter, r *http.Request, on *shelf, space string) {
	body, err := io.ReadAll(r.Body)
	arrived := time.Now()
	value := on.fresh()
	if err == nil {
		err = decode(r, body, value)
	}
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	accessor, _ := meta.Accessor(value)
	accessor.SetNamespace(space)
	if child, ok := children[on.plural]; ok {
		if owner := metav1.GetControllerOf(accessor); owner != nil {
			s.book.Found(owner.UID, child, arrived)
		}
	}
	s.record("create", on, space+"/"+accessor.GetName(), len(body), arrived)
	time.Sleep(s.delay)
	complete(value, accessor, r)
	s.store.mutex.Lock()
	key := space + "/" + accessor.GetName()
	taken := on.objects[key] != nil
	var made *object
	if !taken {
		made = s.store.stamp(value)
		accessor.SetUID(types.UID("made-" + accessor.GetResourceVersion()))
		s.store.put(on, "ADDED", made)
	}
	s.store.mutex.Unlock()
	if taken {
		refuse(w, r, http.StatusConflict, metav1.StatusReasonAlreadyExists, on.plural+" "+key+" already exists")
		return
	}
	as := on.format(r)
	send(w, http.StatusCreated, as, made.bytes(as))
}

// complete fills in what an API server would.
func complete(value runtime.Object, accessor metav1.Object, r *http.Request) {
	now := metav1.Now()
	accessor.SetCreationTimestamp(now)
	manager := r.URL.Query().Get("fieldManager")
	if manager == "" {
		manager = "peer"
	}
	accessor.SetManagedFields([]metav1.ManagedFieldsEntry{{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: value.GetObjectKind().GroupVersionKind().GroupVersion().String(),
		Time: &now, FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: ownedFields},
	}})
	if service, ok := value.(*corev1.Service); ok {
		service.Spec.Type = corev1.ServiceTypeClusterIP
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
		service.Spec.SessionAffinity = corev1.ServiceAffinityNone
		service.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
}

// change is a PUT, or a PATCH that merges (RFC 7386). A version that is named has to be the current one.
func (s *Server) change(w http.ResponseWriter, r *http.Request, on *shelf, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	s.record("patch", on, key, len(body), time.Now())
	time.Sleep(s.delay)
	s.store.mutex.Lock()
	defer s.store.mutex.Unlock()
	found := on.objects[key]
	if found == nil {
		refuse(w, r, http.StatusNotFound, metav1.StatusReasonNotFound, on.plural+" "+key+" not found")
		return
	}
	value := on.fresh()
	if r.Method == http.MethodPut {
		err = decode(r, body, value)
	} else {
		err = merge(found, body, value)
	}
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	accessor, _ := meta.Accessor(value)
	if named := accessor.GetResourceVersion(); named != "" && named != strconv.FormatUint(found.version, 10) {
		refuse(w, r, http.StatusConflict, metav1.StatusReasonConflict, on.plural+" "+key+" has changed")
		return
	}
	made := s.store.stamp(value)
	s.store.put(on, "MODIFIED", made)
	as := on.format(r)
	send(w, http.StatusOK, as, made.bytes(as))
}

// merge lays a patch over an object (RFC 7386).
func merge(found *object, patch []byte, into runtime.Object) error {
	body, err := jsonpatch.MergePatch(found.bytes(jsonFormat), patch)
	if err != nil {
		return err
	}
	_, _, err = wires[jsonFormat].Decode(body, nil, into)
	return err
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, on *shelf, key string) {
	s.record("delete", on, key, 0, time.Now())
	time.Sleep(s.delay)
	s.store.mutex.Lock()
	found := on.objects[key]
	if found != nil {
		s.store.remove(on, found)
	}
	s.store.mutex.Unlock()
	if found == nil {
		refuse(w, r, http.StatusNotFound, metav1.StatusReasonNotFound, on.plural+" "+key+" not found")
		return
	}
	answer(w, r, http.StatusOK, &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess})
}
