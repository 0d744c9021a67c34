#!/usr/bin/env python3
"""Simulates workers on a cluster: how long a campaign takes on 1 to 256 GPUs, what it costs, and
where more GPUs no longer help. Deterministic; needs the standard library alone.

    simulate.py           # reads smoke.csv and paper.csv, writes simulation.csv and the figure
    simulate.py --check   # simulates up to 16 GPUs of smoke, and compares with simulation.csv
    simulate.py --extract RECORDS PLAN
        # first makes the two lists, from `repro records list --format json` of a ledger that is
        # complete for smoke, and `repro plan --evidence paper --format jsonl` with an empty ledger

A task is a family of fine-tunes (siblings share the frozen part) with one seed. Its time was
measured (smoke), or is its price at 30e12 operations a second (paper: an assumption, not a
measurement), in which what siblings share is counted once.

Workers follow the rules of the program: earlier looks first; among tasks of a look, the sixteen
nearest by rendezvous hash of worker and family, of these the longest. A task of a later look is
there once the records of the earlier look of its target, images and resolution are all there. A
worker that finds nothing leaves (`--leave`) or stays and asks again.
"""

import csv
import hashlib
import heapq
import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
FIGURE = HERE.parents[1] / "docs" / "guide" / "cluster.svg"
LOOKS = (3, 5, 10)
SEEDS = LOOKS[-1]
OPERATIONS_PER_SECOND = 30e12
START = 20.0  # seconds until a worker's first task: libtorch, images, weights
REQUEUE = 120.0  # seconds until a preempted worker starts again
POLL = 2.0  # seconds between two plans
EPOCHS = 24  # in smoke; more in paper, where a preemption costs less of a task
NEAREST = 16
GPUS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Mean seconds between preemptions of one GPU.
PREEMPTIONS = (("never", math.inf), ("every 4 h", 4 * 3600.0), ("every 30 min", 1800.0))


def uniform(*of):
    """A number in (0, 1) that is decided by its arguments."""
    digest = hashlib.blake2b(repr(of).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


def look_of(place):
    return next(look for look, seeds in enumerate(LOOKS) if place < seeds)


def extract(records, plan):
    """Writes smoke.csv (a row a task) and paper.csv (a row a family)."""

    def parts(trial):
        key = dict(trial["recipe"]["key"])
        group = "/".join(str(key[name]) for name in ("target", "images", "resolution"))
        shared = {name: key[name] for name in key if name not in ("blocks", "influence")}
        family = hashlib.blake2b(json.dumps(shared, sort_keys=True).encode(), digest_size=4)
        return family.hexdigest(), group, (trial["seed"] - 20_000_000) // 100_000

    smoke = {}
    for entry in json.loads(pathlib.Path(records).read_text()):
        family, group, place = parts(entry["trial"])
        # Siblings that ran side by side have the same start and the same seconds.
        ran = smoke.setdefault((family, group, place), set())
        ran.add((entry["provenance"]["started"], entry["provenance"]["seconds"]))
    rows = [(*of, round(sum(s for _, s in ran), 2)) for of, ran in sorted(smoke.items())]
    write(HERE / "smoke.csv", ("family", "group", "seed", "seconds"), rows)
    paper = {}
    for line in pathlib.Path(plan).read_text().splitlines():
        trial = json.loads(line)
        _, group, place = parts(trial["trial"])
        if place == 0:
            of = trial["family"], group
            paper[of] = paper.get(of, 0.0) + trial["operations_beside_siblings"]
    rows = [(*of, f"{operations:.4g}") for of, operations in sorted(paper.items())]
    write(HERE / "paper.csv", ("family", "group", "operations"), rows)


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file))


def tasks_of_smoke():
    """Tasks with looks (those that were run) and without (all ten seeds)."""
    seconds = {}
    for row in read("smoke.csv"):
        of = seconds.setdefault((row["family"], row["group"]), {})
        of[int(row["seed"])] = float(row["seconds"])
    looks, fixed = [], []
    for (family, group), ran in seconds.items():
        mean = sum(ran.values()) / len(ran)
        looks += [(family, group, place, ran[place]) for place in ran]
        fixed += [(family, group, place, ran.get(place, mean)) for place in range(SEEDS)]
    return looks, fixed


def tasks_of_paper():
    """The same with paper's prices; families continue at each look as often as in smoke."""
    families = {}
    for row in read("smoke.csv"):
        of = families.setdefault(row["family"], set())
        of.add(look_of(int(row["seed"])))
    share = [sum(look in of for of in families.values()) / len(families) for look in range(3)]
    looks, fixed = [], []
    for row in read("paper.csv"):
        family, group = row["family"], row["group"]
        seconds = float(row["operations"]) / OPERATIONS_PER_SECOND
        draw = uniform("continues", family)
        for place in range(SEEDS):
            fixed.append((family, group, place, seconds))
            if draw < share[look_of(place)]:
                looks.append((family, group, place, seconds))
    return looks, fixed


def scoring(tasks):
    """The rendezvous hash of a worker and each task, kept for the next simulation."""
    kept = {}

    def scores(worker):
        if worker not in kept:
            kept[worker] = [uniform(worker, family, place) for family, _, place, _ in tasks]
        return kept[worker]

    return scores


def simulate(tasks, scores, gpus, mean_to_preemption, gated, leave):
    """The makespan and the GPU-seconds paid of a campaign, and the GPU-seconds of its work."""
    looks = [look_of(place) if gated else 0 for _, _, place, _ in tasks]
    left = {}  # tasks of a group and look that have no record
    for look, (_, group, _, _) in zip(looks, tasks):
        left.setdefault(group, [0, 0, 0])[look] += 1
    state = ["free"] * len(tasks)
    progress = [0.0] * len(tasks)
    ready, waiting = [set(), set(), set()], {}
    for index, (_, group, _, _) in enumerate(tasks):
        if all(left[group][earlier] == 0 for earlier in range(looks[index])):
            ready[looks[index]].add(index)
        else:
            waiting.setdefault(group, []).append(index)
    orders = {}  # tasks of a look by rendezvous hash, of a worker

    def nearest(worker, look):
        order = orders.get((worker, look))
        if order is None:
            by_hash = sorted(range(len(tasks)), key=scores(worker).__getitem__)
            for each in range(3):
                orders[worker, each] = [i for i in by_hash if looks[i] == each]
            order = orders[worker, look]
        found, passed = [], 0
        for index in order:
            if index in ready[look]:
                found.append(index)
                if len(found) == NEAREST:
                    break
            elif state[index] == "done":
                passed += 1
        if passed > 64:
            orders[worker, look] = [i for i in order if state[i] != "done"]
        return found

    def take(worker):
        for look in range(3):
            if ready[look]:
                found = nearest(worker, look)
                index = max(found, key=lambda i: (tasks[i][3], -i))
                ready[look].discard(index)
                state[index] = "leased"
                return index
        return None

    events = [(START, worker, "free", None, 0) for worker in range(gpus)]
    began = dict.fromkeys(range(gpus), 0.0)
    preempted_at = {w: -mean_to_preemption * math.log(uniform("first", w)) for w in range(gpus)}
    heapq.heapify(events)
    paid = makespan = 0.0
    done, count, idle = 0, 0, []
    while events:
        now, worker, what, index, _ = heapq.heappop(events)
        count += 1
        if what == "done":
            state[index] = "done"
            done += 1
            makespan = now
            group = tasks[index][1]
            left[group][looks[index]] -= 1
            if left[group][looks[index]] == 0:
                still = []
                for other in waiting.get(group, []):
                    if all(left[group][earlier] == 0 for earlier in range(looks[other])):
                        ready[looks[other]].add(other)
                    else:
                        still.append(other)
                waiting[group] = still
        elif what == "preempted":
            # Released at once, on SIGTERM.
            state[index] = "free"
            ready[looks[index]].add(index)
            paid += now - began[worker]
            for other in idle:
                heapq.heappush(events, (now + POLL / 2, other, "free", None, count))
            idle.clear()
            back = now + REQUEUE + START
            preempted_at[worker] = back - mean_to_preemption * math.log(
                uniform("again", worker, count)
            )
            heapq.heappush(events, (back, worker, "back", None, count))
            continue
        elif what == "back":
            began[worker] = now - START
        # Idle workers ask every two seconds; asking in vain changes nothing.
        if any(ready):
            for other in idle:
                heapq.heappush(events, (now + POLL / 2, other, "free", None, count))
            idle.clear()
        if done == len(tasks):
            paid += sum(now + POLL / 2 - began.pop(other) for other in idle)
            idle.clear()
        index = take(worker)
        if index is None:
            if done == len(tasks) or leave:
                paid += now - began.pop(worker)
            else:
                idle.append(worker)
            continue
        seconds = tasks[index][3]
        ends = now + seconds - progress[index]
        stops = preempted_at[worker]
        if stops <= now:
            stops = now - mean_to_preemption * math.log(uniform("next", worker, count))
        if stops < ends:
            heapq.heappush(events, (stops, worker, "preempted", index, count))
            # It loses no epoch that it has finished: SIGTERM lets it keep its state.
            epoch = seconds / EPOCHS
            progress[index] += (stops - now) // epoch * epoch
        else:
            preempted_at[worker] = stops
            heapq.heappush(events, (ends, worker, "done", index, count))
    assert done == len(tasks), (done, len(tasks))
    return makespan, paid, sum(task[3] for task in tasks)


def table(set_ups, most=GPUS[-1]):
    """A row for each set-up, looks, preemption, and number of GPUs up to `most`."""
    for name, (looks, fixed) in set_ups.items():
        for design, tasks, gated in (("looks", looks, True), ("no looks", fixed, False)):
            scores = scoring(tasks)
            for rate, mean in PREEMPTIONS:
                for leave in (True, False):
                    for gpus in (gpus for gpus in GPUS if gpus <= most):
                        makespan, paid, work = simulate(tasks, scores, gpus, mean, gated, leave)
                        yield {
                            "set-up": name,
                            "design": design,
                            "preempted": rate,
                            "idle workers": "leave" if leave else "stay",
                            "gpus": gpus,
                            "hours": f"{makespan / 3600:.3g}",
                            "gpu_hours": f"{paid / 3600:.3g}",
                            "work_hours": f"{work / 3600:.3g}",
                        }


COLOURS = {"never": "#0072b2", "every 4 h": "#e69f00", "every 30 min": "#d55e00"}


def figure(rows):
    """Two panels at the paper's scale, over GPUs, with logarithmic axes: hours of workers that
    leave, and GPU-hours of workers that leave or stay."""
    paper = [row for row in rows if row["set-up"] == "paper"]
    width, height, top = 300, 240, 40
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="380" viewBox="0 0 760 380" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="760" height="380" fill="white"/>',
    ]

    def panel(left, title, field, lines):
        values = [float(row[field]) for _, _, of in lines for row in of]
        low, high = math.log10(min(values)) - 0.05, math.log10(max(values)) + 0.05
        x = lambda gpus: left + width * math.log2(gpus) / math.log2(GPUS[-1])
        y = lambda value: top + height * (1 - (math.log10(value) - low) / (high - low))
        out.append(f'<text x="{left}" y="25" font-weight="bold">{title}</text>')
        for tick in (m * 10.0**e for e in range(6) for m in (1, 2, 3, 5)):
            if low <= math.log10(tick) <= high:
                out.append(f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#ddd"/>')
                out.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" '
                           f'text-anchor="end">{tick:g}</text>')
        for gpus in GPUS:
            out.append(f'<text x="{x(gpus):.1f}" y="{top + height + 18}" '
                       f'text-anchor="middle">{gpus}</text>')
        out.append(f'<text x="{left + width / 2}" y="{top + height + 36}" '
                   'text-anchor="middle">GPUs</text>')
        for colour, dash, of in lines:
            points = " ".join(f"{x(r['gpus']):.1f},{y(float(r[field])):.1f}" for r in of)
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                       f'stroke-width="2" stroke-dasharray="{dash}"/>')

    def key(left, line, colour, dash, label):
        y = 340 + 20 * line
        out.append(f'<path d="M{left} {y}h24" stroke="{colour}" stroke-width="2" '
                   f'stroke-dasharray="{dash}"/>')
        out.append(f'<text x="{left + 30}" y="{y + 4}">{label}</text>')

    def some(design, rate, idle):
        of = {"design": design, "preempted": rate, "idle workers": idle}
        return [row for row in paper if of.items() <= row.items()]

    dashes = {"looks": "none", "no looks": "5 4"}
    panel(60, "hours until the last record", "hours", [
        (colour, dash, some(design, rate, "leave"))
        for design, dash in dashes.items() for rate, colour in COLOURS.items()
    ])
    idle = {"leave": "#0072b2", "stay": "#cc79a7"}
    panel(440, "GPU-hours, never preempted", "gpu_hours", [
        (colour, dash, some(design, "never", each))
        for design, dash in dashes.items() for each, colour in idle.items()
    ])
    key(40, 0, "#333", "none", "looks")
    key(40, 1, "#333", "5 4", "ten seeds at once")
    key(190, 0, COLOURS["every 4 h"], "none", "preempted every 4 h")
    key(190, 1, COLOURS["every 30 min"], "none", "preempted every 30 min")
    key(400, 0, COLOURS["never"], "none", "never preempted; idle workers leave")
    key(400, 1, idle["stay"], "none", "never preempted; idle workers stay")
    return "\n".join([*out, "</svg>", ""])


def main(arguments):
    if arguments[:1] == ["--extract"]:
        extract(*arguments[1:])
    elif arguments == ["--check"]:
        kept = read("simulation.csv")
        rows = [
            {name: str(value) for name, value in row.items()}
            for row in table({"smoke": tasks_of_smoke()}, 16)
        ]
        sys.exit(0 if all(row in kept for row in rows) else "simulation.csv has other numbers")
    elif arguments:
        sys.exit(__doc__)
    rows = list(table({"smoke": tasks_of_smoke(), "paper": tasks_of_paper()}))
    write(HERE / "simulation.csv", rows[0], [row.values() for row in rows])
    FIGURE.write_text(figure(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
