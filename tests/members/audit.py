"""audit.py: holds a group's story against the rules. Pure: a story, what was acknowledged and the group's times go in, a Verdict comes out.

1. Completeness. Every acknowledged record was read by a member while it owned the partition; what a member reads after others were given its
   partitions (it slept, and has not noticed) does not count: it can only be read again.
2. Exclusivity. Nobody is given a partition that somebody awake still has. One who was killed or frozen keeps it until his session is over, one who
   stalls until max.poll.interval.ms is over, by the broker's clock: not given away earlier, and his commits are refused afterwards.
3. Generations never go back, but for one who slept.
"""
import bisect
import collections
import itertools

# How far apart the times of two processes' lines may lie, in the order of things: a line is written, then waits for a processor.
SLACK_MS = 60
LATE_MS = 1000       # until when a record counts that was printed by a member which had given up its partition meanwhile
NOTICE_MS = 5000     # how long one who wakes may take to notice that he is out

Times = collections.namedtuple("Times", "session_ms heartbeat_ms max_poll_ms")
Tenure = collections.namedtuple("Tenure", "member partition begin end generation")
Verdict = collections.namedtuple("Verdict", "wrong records again outdated turns")
FOREVER = float("inf")


def grace(times, what):
    """How long after a change the broker still takes the member for an owner."""
    return {"kill": times.session_ms, "freeze": times.session_ms, "stall": times.max_poll_ms}.get(what, 0)


def sleeps(changes):
    """{member: [(what, from, until)]}; a death is a sleep without an end."""
    found = collections.defaultdict(list)
    for c in sorted(changes):
        if c.what in ("stall", "freeze", "kill"):
            found[c.member].append((c.what, c.at, FOREVER))
        elif c.what in ("resume", "thaw"):
            what, begin, _ = found[c.member].pop()
            found[c.member].append((what, begin, c.at))
    return found


def tenures(events, sleeping):
    """Who said to have which partition, from when until when. One who was killed cannot say that he gives it up."""
    killed = {m for m, slept in sleeping.items() if any(what == "kill" for what, _, _ in slept)}
    open_, found = {}, []
    for e in sorted(events, key=lambda e: e.at):
        if e.what == "assigned":
            for p in e.partitions:
                open_.setdefault((e.member, p), (e.at, e.generation))
        elif e.what in ("revoked", "lost") or e.what == "left" and e.member not in killed:
            for p in e.partitions if e.what != "left" else [p for m, p in open_ if m == e.member]:
                if (e.member, p) in open_:
                    begin, generation = open_.pop((e.member, p))
                    found.append(Tenure(e.member, p, begin, e.at, generation))
    found += [Tenure(m, p, begin, FOREVER, generation) for (m, p), (begin, generation) in open_.items()]
    return sorted(found, key=lambda t: t.begin)


def asleep_at(sleeping, member, at):
    """The sleep that the member was in, or has just woken from and not yet noticed."""
    return next(((what, begin, until) for what, begin, until in sleeping.get(member, ()) if begin - SLACK_MS <= at <= until + NOTICE_MS), None)


def stale(old, new, sleeping, highest):
    """One who has just woken hears of an assignment that was made while he slept, and that the group has left behind since."""
    older = new.generation < highest(new.begin) or new.generation == -1
    woken = asleep_at(sleeping, new.member, new.begin) and not asleep_at(sleeping, old.member, new.begin)
    return older and woken and new.end <= new.begin + NOTICE_MS


def check_pair(old, new, sleeping, times):
    """old has a partition when new is given it. Gives what is wrong with that, if anything, and whether old was merely asleep."""
    sleep = asleep_at(sleeping, old.member, new.begin)
    if not sleep:
        late = new.begin < old.end - SLACK_MS
        return [f"partition {old.partition}: {new.member} was given it {old.end - new.begin:.0f} ms before {old.member} gave it up"] if late else [], False
    what, begin, until = sleep
    wrong = []
    # His last sign of life is up to a heartbeat older than his sleep.
    early = begin + grace(times, what) - times.heartbeat_ms - 5 * SLACK_MS - new.begin
    if early > 0:
        wrong.append(f"partition {old.partition}: {new.member} had it {early:.0f} ms too early after {what} of {old.member}")
    if old.end > until + NOTICE_MS:
        wrong.append(f"partition {old.partition}: {old.member} did not notice within {NOTICE_MS} ms that {new.member} has it")
    return wrong, True


def highest_generation(held):
    """at -> the highest generation that anybody had come into by then"""
    begins = [t.begin for t in held]
    peaks = list(itertools.accumulate((t.generation for t in held), max))
    return lambda at: peaks[bisect.bisect_left(begins, at) - 1] if begins[0] < at else -1


def check_exclusive(held, sleeping, times):
    """Gives what is wrong, and {tenure: when it was taken over by the broker's rule}."""
    wrong, over = [], {}
    highest = highest_generation(held)
    by_partition = collections.defaultdict(list)
    for t in held:
        by_partition[t.partition].append(t)
    for successive in by_partition.values():
        for i, old in enumerate(successive):
            for new in successive[i + 1:]:
                if new.member == old.member or new.begin >= old.end:
                    break
                if stale(old, new, sleeping, highest):
                    over[new] = new.begin - 1
                    continue
                more, asleep = check_pair(old, new, sleeping, times)
                wrong += more
                if asleep:
                    over.setdefault(old, new.begin)
    return wrong, over


def check_generations(events, sleeping):
    wrong, highest, holder = [], -1, None
    for e in sorted(events, key=lambda e: e.at):
        if e.what != "assigned" or e.generation < 0:
            continue
        if e.generation < highest and e.at > holder.at + SLACK_MS and not asleep_at(sleeping, e.member, e.at):
            wrong.append(f"{e.member} came into generation {e.generation} after {holder.member} had come into {highest}")
        if e.generation > highest:
            highest, holder = e.generation, e
    return wrong


def check_commits(events, held, sleeping, over):
    """The first thing a stalled member does when it wakes is to commit; once others own what was its own, that must be refused."""
    wrong = []
    for e in events:
        sleep = asleep_at(sleeping, e.member, e.at) if e.what == "commit" and e.word == "NO_ERROR" else None
        if sleep and any(t.member == e.member and sleep[1] < over.get(t, FOREVER) < e.at for t in held):
            wrong.append(f"a commit of {e.member} was taken after others owned its partitions")
    return wrong


def check_reads(reads, held, sleeping, over):
    """Gives what is wrong, {partition: {offset: how often it counted}} and how many records were read by those who were out."""
    wrong, counted, outdated = [], collections.defaultdict(collections.Counter), 0
    of = collections.defaultdict(list)
    for t in held:
        of[t.member, t.partition].append(t)
    begins = {key: [t.begin for t in ts] for key, ts in of.items()}
    for r in reads:
        key = (r.member, r.partition)
        i = bisect.bisect_right(begins.get(key, []), r.at + SLACK_MS) - 1
        tenure = of[key][i] if i >= 0 else None
        offsets = range(r.first, r.last + 1)
        if tenure and tenure in over and over[tenure] < r.at:
            outdated += len(offsets)
        elif tenure and r.at <= tenure.end + LATE_MS:
            counted[r.partition].update(offsets)
        elif asleep_at(sleeping, r.member, r.at):
            outdated += len(offsets)
        else:
            wrong.append(f"{r.member} read {r.first}-{r.last} of partition {r.partition}, which it did not own")
    return wrong, counted, outdated


def forgive(missing, story, held, swallowers):
    """One record for each partition that one of these members had when it was told to leave."""
    leaving = {c.member: c.at for c in story.changes if c.what == "leave" and c.member in swallowers}
    budget = collections.Counter(t.partition for t in held if t.begin - SLACK_MS < leaving.get(t.member, -FOREVER) < t.end + LATE_MS)
    unforgiven = []
    for p, o in missing:
        if budget[p] > 0:
            budget[p] -= 1
        else:
            unforgiven.append((p, o))
    return unforgiven


def check(story, acknowledged, times, tells_reads=True, swallowers=()):
    """acknowledged: [(partition, offset)]; swallowers: members which, told to leave, may have taken one record more without a word."""
    sleeping = sleeps(story.changes)
    held = tenures(story.events, sleeping)
    wrong, over = check_exclusive(held, sleeping, times)
    wrong += check_generations(story.events, sleeping)
    wrong += check_commits(story.events, held, sleeping, over)
    more, counted, outdated = check_reads(story.reads, held, sleeping, over)
    wrong += more
    missing = [(p, o) for p, o in acknowledged if o not in counted[p]] if tells_reads else []
    missing = forgive(missing, story, held, swallowers)
    if missing:
        wrong.append(f"{len(missing)} of {len(acknowledged)} acknowledged records were read by nobody who owned them: {missing[:5]}")
    again = sum(n - 1 for offsets in counted.values() for n in offsets.values())
    return Verdict(wrong, len(acknowledged), again, outdated, sum(e.what == "assigned" for e in story.events))
