#!/usr/bin/env bash
# Runs a command on a Slurm of its own: one machine, several nodes, nothing of the system's Slurm or
# munge is read or changed. The tests of clusters use it. As root, with Debian's `slurm-wlm` and
# `munge` installed:
#
#   scripts/slurm.sh run FOLDER COMMAND...   # starts it, runs the command, stops it
#   scripts/slurm.sh up FOLDER               # starts it; then `export SLURM_CONF=FOLDER/slurm.conf`
#   scripts/slurm.sh down FOLDER             # ends its jobs and stops it
#   scripts/slurm.sh node FOLDER NODE        # starts the slurmd of one node again
#
#   NODES      nodes, with the names n1, n2, ..., and one slot each          (default: 4)
#   PORT       the first of NODES + 1 free ports of 127.0.0.1                (default: 16817)
#
# Partitions: `low`, the default, whose jobs are requeued when a job in `high` needs their node.
# MaxArraySize is 5, so an array has the elements 1 to 4 at most. FOLDER keeps slurm.conf, the logs
# of the daemons, and one file NAME.pid for each of them: slurmctld, munged, n1, n2, ...
#
# `run` exits with the command's exit code; 66 if something is missing, 70 if Slurm does not start.
set -euo pipefail

fail() {
    local code=$1
    shift
    echo "slurm: error: $*" >&2
    exit "$code"
}

usage='usage: slurm.sh run FOLDER COMMAND... | up FOLDER | down FOLDER | node FOLDER NODE'
[[ $# -ge 2 ]] || fail 64 "$usage"
action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
nodes=${NODES:-4}
port=${PORT:-16817}
# munged refuses a longer socket, and slurm.conf has no quotes.
[[ $folder =~ ^[A-Za-z0-9/._-]{1,80}$ ]] ||
    fail 64 "name a shorter folder, of letters, digits and ._-: $folder"
export SLURM_CONF=$folder/slurm.conf
PATH=$PATH:/usr/sbin:/sbin

# The configuration: no accounting, no cgroups, so that a container can run it.
configure() {
    local host
    host=$(hostname -s)
    cat <<CONF
ClusterName=repro
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MaxArraySize=5
KillWait=30
SlurmdTimeout=20
ReturnToService=2
PropagateResourceLimits=NONE
CONF
    for ((node = 1; node <= nodes; node++)); do
        echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + node)) CPUs=1"
    done
    echo "PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1"
    echo "PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF"
}

# Waits until a command succeeds: await SECONDS WHAT COMMAND...
await() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) || fail 70 "timed out: $what; see the logs in $folder"
        sleep 0.2
    done
}

idle() {
    [[ $(sinfo --noheader --Node --partition=low --states=idle --format=%n | wc -l) == "$nodes" ]]
}

node() {
    slurmd -N "$1" -f "$SLURM_CONF"
}

up() {
    local program
    for program in munged slurmctld slurmd sbatch; do
        command -v "$program" >/dev/null ||
            fail 66 "$program is missing: apt-get install slurm-wlm munge"
    done
    [[ $(id -u) == 0 ]] || fail 66 "Slurm's daemons need root"
    [[ ! -e $folder/slurmctld.pid ]] || fail 64 "a Slurm runs in $folder already"
    chmod 755 "$folder"
    mkdir -p "$folder/state"
    configure >"$SLURM_CONF"
    [[ -s $folder/munge.key ]] ||
        (umask 077 && dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none)
    # --force: the folder may lie in one that everybody can write to.
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
        --seed-file="$folder/munged.seed" --num-threads=2 2>>"$folder/munged.log" ||
        fail 70 "munged did not start; see $folder/munged.log"
    slurmctld -i -f "$SLURM_CONF" || fail 70 "slurmctld did not start"
    for ((each = 1; each <= nodes; each++)); do
        node "n$each" || fail 70 "slurmd of n$each did not start; see $folder/n$each.log"
    done
    await 60 "the nodes are not idle" idle
}

# Ends the process of a file NAME.pid, if it is that daemon.
stop() {
    local file=$1 pid
    [[ -s $file ]] || return 0
    pid=$(<"$file")
    if grep -qaE 'slurmctld|slurmd|munged' "/proc/$pid/cmdline" 2>/dev/null; then
        kill "$pid" 2>/dev/null || true
        for ((wait = 0; wait < 50; wait++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    fi
    rm -f "$file"
}

down() {
    timeout 5 scancel --user="$(id -un)" 2>/dev/null || true
    for ((wait = 0; wait < 50; wait++)); do
        [[ -n $(timeout 5 squeue --noheader 2>/dev/null) ]] || break
        sleep 0.2
    done
    local file
    for file in "$folder"/n*.pid "$folder/slurmctld.pid" "$folder/munged.pid"; do
        stop "$file"
    done
}

case $action in
up) up ;;
down) down ;;
node) node "${1:?the node is missing}" ;;
run)
    [[ $# -ge 1 ]] || fail 64 "$usage"
    trap down EXIT
    up
    status=0
    "$@" || status=$?
    exit "$status"
    ;;
*) fail 64 "$usage" ;;
esac
