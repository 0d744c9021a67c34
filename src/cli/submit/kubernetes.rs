//! A manifest for Kubernetes: an Indexed Job of identical workers. JSON, which `kubectl` reads as
//! it reads YAML, since its strings need no quoting rules of ours.

use serde_json::{Value, json};

use super::workers::Workers;

/// Seconds between SIGTERM and the end of a pod, for a worker to give back what it runs.
const NOTICE: u32 = 180;

/// The manifest. The volume claim holds the ledger and the data folder, and every pod mounts it.
pub(super) fn manifest(workers: &Workers, image: &str, volume: &str) -> Value {
    let Workers { count, gpu, threads, .. } = workers;
    let mut limits = serde_json::Map::new();
    if *gpu {
        limits.insert("nvidia.com/gpu".to_owned(), json!(1));
    }
    if let Some(threads) = threads {
        limits.insert("cpu".to_owned(), json!(threads));
    }
    let container = json!({
        "name": "worker",
        "image": image,
        "command": workers.work(),
        "resources": { "limits": limits },
        "volumeMounts": [{ "name": "shared", "mountPath": "/shared" }],
    });
    let mut spec = json!({
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": count,
        // Of pods that fail: those that are preempted or evicted do not count (below).
        "backoffLimit": count * 6,
        "podFailurePolicy": { "rules": [
            { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget" }] },
            // A wrong command line, an input that is missing: no retry makes it right.
            {
                "action": "FailJob",
                "onExitCodes": { "containerName": "worker", "operator": "In", "values": [64, 66] },
            },
        ] },
        "template": { "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": NOTICE,
            "containers": [container],
            "volumes": [{ "name": "shared", "persistentVolumeClaim": { "claimName": volume } }],
        } },
    });
    if let Some(time) = workers.time {
        // Of a pod, not of the job: one that starts again gets it again.
        spec["template"]["spec"]["activeDeadlineSeconds"] = json!(time.0 + u64::from(NOTICE));
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "generateName": format!("repro-{}-", workers.name.replace('_', "-")) },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::workers::tests::workers, *};

    #[test]
    fn a_manifest_is_an_indexed_job_of_workers_that_leave() {
        let manifest = manifest(&workers(3), "registry/repro:1", "repro");
        assert_eq!(manifest["spec"]["completionMode"], "Indexed");
        assert_eq!(manifest["spec"]["completions"], 3);
        let pod = &manifest["spec"]["template"]["spec"];
        assert_eq!(pod["activeDeadlineSeconds"], 7380);
        let worker = &pod["containers"][0];
        assert_eq!(worker["resources"]["limits"]["nvidia.com/gpu"], 1);
        let command = worker["command"].as_array().unwrap();
        assert_eq!(command[0], "/opt/my programs/repro");
        assert_eq!(command.last().unwrap(), "--leave");
    }
}
