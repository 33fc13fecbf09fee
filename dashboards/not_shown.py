"""What is exported and stands on no panel, each with the reason. Everything else does; a test compares both with a running program."""

NOT_SHOWN = {
    "kube_devops_cluster_health_score_mean": "the original's definition, for alerts/compatibility; Cluster Health Score has the one by pods",
    "process_virtual_memory_bytes": "says what is mapped, not what is used; the panel Memory has what is in RAM",
    "python_gc_objects_collected_total": "of use to who works on the program; the panel Garbage collections tells when to look",
    "python_gc_objects_uncollectable_total": "is zero with every library that we use",
    "python_info": "never changes while a process runs; the version is in steward_build_info too",
}
