package fake

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// mentioned are resources that some clients look for before they begin, and then leave alone.
var mentioned = []kind{
	{plural: "customresourcedefinitions", gvk: schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}},
}

var verbs = metav1.Verbs{"create", "delete", "get", "list", "patch", "update", "watch"}

// discover answers /version, /api, /apis and the lists of resources.
func discover(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	switch path {
	case "version":
		plain(w, version.Info{Major: "1", Minor: "36", GitVersion: "v1.36.3"})
	case "api":
		plain(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions", APIVersion: "v1"}, Versions: []string{"v1"}})
	case "apis":
		plain(w, groups())
	default:
		listed := resources(strings.TrimPrefix(strings.TrimPrefix(path, "apis/"), "api/"))
		if len(listed.APIResources) == 0 {
			refuse(w, r, http.StatusNotFound, metav1.StatusReasonNotFound, path+" is not served")
			return
		}
		plain(w, listed)
	}
}

func groups() metav1.APIGroupList {
	made := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	var seen []string
	for _, one := range slices.Concat(kinds, mentioned) {
		if one.gvk.Group == "" || slices.Contains(seen, one.gvk.Group) {
			continue
		}
		seen = append(seen, one.gvk.Group)
		served := metav1.GroupVersionForDiscovery{GroupVersion: one.gvk.GroupVersion().String(), Version: one.gvk.Version}
		made.Groups = append(made.Groups, metav1.APIGroup{
			Name: one.gvk.Group, Versions: []metav1.GroupVersionForDiscovery{served}, PreferredVersion: served,
		})
	}
	return made
}

func resources(groupVersion string) metav1.APIResourceList {
	made := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion}
	for _, one := range slices.Concat(kinds, mentioned) {
		if one.gvk.GroupVersion().String() == groupVersion {
			made.APIResources = append(made.APIResources, metav1.APIResource{
				Name: one.plural, SingularName: strings.ToLower(one.gvk.Kind), Namespaced: one.example != nil && one.plural != "namespaces", Kind: one.gvk.Kind, Verbs: verbs,
			})
		}
	}
	return made
}

// allow answers a SelfSubjectAccessReview with yes.
func allow(w http.ResponseWriter, r *http.Request) {
	review := &authorizationv1.SelfSubjectAccessReview{}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = decode(r, body, review)
	}
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	review.Status.Allowed = true
	review.SetGroupVersionKind(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"))
	answer(w, r, http.StatusCreated, review)
}

// plain sends what no scheme knows.
func plain(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the caller may be gone
}
