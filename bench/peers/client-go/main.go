// The peer in Go: client-go's informers, workqueue, leader election and event recorder, protobuf on the wire, and no limit on requests per
// second. It does what Steward's headless component does for a pod that is annotated: a headless Service and an EndpointSlice, both owned by
// the pod, and an Event. Without flags it is written as most are; with -together and -lean it is as good as we can make it.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func main() {
	together := flag.Bool("together", false, "send the Service and the EndpointSlice at once, instead of one after the other")
	lean := flag.Bool("lean", false, "keep of a pod only the fields that are read, instead of all but managed fields")
	workers := flag.Int("workers", 32, "pods in work at once")
	resync := flag.Duration("resync", 10*time.Minute, "how often every pod is looked at again from the cache")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientConfig()
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	controller, err := newController(ctx, client, options{resync: *resync, together: *together, lean: *lean})
	if err != nil {
		log.Fatal(err)
	}
	// Caches are warm before the lease is held, as in controller-runtime.
	controller.start(ctx)
	lead(ctx, client, func(ctx context.Context) { controller.run(ctx, *workers) })
}

// clientConfig is that of $KUBECONFIG with the settings a busy controller has: protobuf, and no rate limit of its own.
func clientConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.QPS = -1
	config.UserAgent = "client-go-peer"
	return config, nil
}

// lead calls run while the lease is held, with the durations that controller-runtime, kubelet and Steward use too. A lost lease ends the process.
func lead(ctx context.Context, client kubernetes.Interface, run func(context.Context)) {
	identity, _ := os.Hostname()
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: "default", Name: "client-go-peer"},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   15 * time.Second,
		RenewDeadline:   10 * time.Second,
		RetryPeriod:     2 * time.Second,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: run,
			OnStoppedLeading: func() {
				if ctx.Err() == nil {
					log.Fatal("lease lost")
				}
			},
		},
	})
}
