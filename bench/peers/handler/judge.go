package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/distribution/reference"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// policy is what is read of a DevOpsPolicy; all of its violations deny.
type policy struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		ForbidLatestTag       bool   `json:"forbidLatestTag"`
		RequireLivenessProbe  bool   `json:"requireLivenessProbe"`
		RequireReadinessProbe bool   `json:"requireReadinessProbe"`
		RequireResources      bool   `json:"requireResources"`
		EnforcementMode       string `json:"enforcementMode"`
	} `json:"spec"`
}

type finding struct{ policy, check, container, message string }

// judge denies what a pod violates, but not what it violated before a change.
func judge(request *admissionv1.AdmissionRequest, policies []policy, answer *admissionv1.AdmissionResponse) error {
	found, err := look(request.Object, policies)
	if err != nil {
		return err
	}
	if request.Operation == admissionv1.Update {
		former, err := look(request.OldObject, policies)
		if err != nil {
			return err
		}
		found = fresh(found, former)
	}
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, one := range found {
		lines[i] = fmt.Sprintf("%s: %s: %s", one.policy, one.container, one.message)
	}
	answer.Allowed = false
	answer.Result = &metav1.Status{
		Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: "Denied by DevOpsPolicy: " + strings.Join(lines, "; "),
	}
	return nil
}

func look(raw runtime.RawExtension, policies []policy) ([]finding, error) {
	pod := &corev1.Pod{}
	if err := json.Unmarshal(raw.Raw, pod); err != nil {
		return nil, err
	}
	var found []finding
	for _, one := range policies {
		if one.Spec.ForbidLatestTag {
			for _, container := range pod.Spec.InitContainers {
				found = append(found, tag(one, container)...)
			}
		}
		for _, container := range pod.Spec.Containers {
			found = append(found, inspect(one, container)...)
		}
	}
	return found, nil
}

func inspect(of policy, container corev1.Container) []finding {
	var found []finding
	missing := func(asked, there bool, check, field string) {
		if asked && !there {
			found = append(found, finding{of.Metadata.Name, check, container.Name, "no " + field + ". Add one."})
		}
	}
	if of.Spec.ForbidLatestTag {
		found = tag(of, container)
	}
	missing(of.Spec.RequireLivenessProbe, container.LivenessProbe != nil, "missing_liveness", "livenessProbe")
	missing(of.Spec.RequireReadinessProbe, container.ReadinessProbe != nil, "missing_readiness", "readinessProbe")
	missing(of.Spec.RequireResources, len(container.Resources.Requests)+len(container.Resources.Limits) > 0, "missing_resources", "resources.requests")
	return found
}

func tag(of policy, container corev1.Container) []finding {
	named, err := reference.ParseNormalizedNamed(container.Image)
	if err != nil {
		return []finding{{of.Metadata.Name, "latest_tag", container.Name, err.Error()}}
	}
	if _, pinned := named.(reference.Digested); pinned {
		return nil
	}
	if tagged, ok := reference.TagNameOnly(named).(reference.Tagged); !ok || tagged.Tag() != "latest" {
		return nil
	}
	return []finding{{of.Metadata.Name, "latest_tag", container.Name, fmt.Sprintf("image %q has no tag but latest. Write a version or a digest.", container.Image)}}
}

func fresh(found, former []finding) []finding {
	known := map[finding]bool{}
	for _, one := range former {
		one.message = ""
		known[one] = true
	}
	var kept []finding
	for _, one := range found {
		bare := one
		bare.message = ""
		if !known[bare] {
			kept = append(kept, one)
		}
	}
	return kept
}
