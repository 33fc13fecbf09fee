package main

import (
	"fmt"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type policy struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              rules  `json:"spec"`
	Status            status `json:"status"`
}

type rules struct {
	ForbidLatestTag       bool   `json:"forbidLatestTag"`
	RequireLivenessProbe  bool   `json:"requireLivenessProbe"`
	RequireReadinessProbe bool   `json:"requireReadinessProbe"`
	RequireResources      bool   `json:"requireResources"`
	MaxRestartCount       *int32 `json:"maxRestartCount"`
	ForbidPendingDuration *int64 `json:"forbidPendingDuration"`
}

type status struct {
	ObservedGeneration int64  `json:"observedGeneration"`
	Healthy            bool   `json:"healthy"`
	HealthScore        int    `json:"healthScore"`
	Violations         int    `json:"violations"`
	LastEvaluated      string `json:"lastEvaluated"`
	Message            string `json:"message"`
}

type violation struct{ pod, container, check, severity, message string }

type verdict struct {
	pods, points, score int
	violations          []violation
}

// judge looks at all pods of a namespace, and scores them as DevOpsPolicy does by default.
func judge(pods []*corev1.Pod, by rules, now time.Time) verdict {
	made := verdict{score: 100}
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			made.pods++
			made.look(pod, by, now)
		}
	}
	if made.pods > 0 {
		made.score = 100 - min(made.points/made.pods, 100)
	}
	return made
}

func (v *verdict) look(pod *corev1.Pod, by rules, now time.Time) {
	find := func(container, check, severity string, points int, message string) {
		v.points += points
		v.violations = append(v.violations, violation{pod.Name, container, check, severity, message})
	}
	for _, one := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		if by.ForbidLatestTag && isLatest(one.Image) {
			find(one.Name, "latest_tag", "high", 5, fmt.Sprintf("image %q has no tag but latest. Write a version or a digest.", one.Image))
		}
	}
	for _, one := range pod.Spec.Containers {
		if by.RequireLivenessProbe && one.LivenessProbe == nil {
			find(one.Name, "missing_liveness", "medium", 3, "no livenessProbe. Add one.")
		}
		if by.RequireReadinessProbe && one.ReadinessProbe == nil {
			find(one.Name, "missing_readiness", "low", 2, "no readinessProbe. Add one.")
		}
		if by.RequireResources && len(one.Resources.Requests)+len(one.Resources.Limits) == 0 {
			find(one.Name, "missing_resources", "medium", 0, "no resources.requests. Add one.")
		}
	}
	for _, one := range pod.Status.ContainerStatuses {
		if by.MaxRestartCount != nil && one.RestartCount > *by.MaxRestartCount {
			find(one.Name, "high_restarts", "critical", 6*int(min(one.RestartCount, 5)), fmt.Sprintf("%d restarts", one.RestartCount))
		}
	}
	if by.ForbidPendingDuration != nil && pod.Status.Phase == corev1.PodPending {
		if waited := now.Sub(pod.CreationTimestamp.Time); waited > time.Duration(*by.ForbidPendingDuration)*time.Second {
			find("", "pending", "medium", 4, fmt.Sprintf("pending for %s", waited))
		}
	}
}

// told are the first violations, as they stand in an audit result.
func (v *verdict) told(most int) []any {
	var made []any
	for _, one := range v.violations[:min(len(v.violations), most)] {
		made = append(made, map[string]any{
			"podName": one.pod, "containerName": one.container, "violationType": one.check, "severity": one.severity, "message": one.message,
		})
	}
	return made
}

func isLatest(image string) bool {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return true
	}
	if _, pinned := named.(reference.Digested); pinned {
		return false
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	return !ok || tagged.Tag() == "latest"
}
